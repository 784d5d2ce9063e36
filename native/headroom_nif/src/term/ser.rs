//! From the core's types to terms: a struct is a map with atom keys, a variant without data an atom, text a binary.
//!
//! Atoms come from words of the source alone (`&'static str`), never from data.

use rustler::{Atom, Encoder, Env, NewBinary, Term};
use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, Serializer,
};

use super::error::Mismatch;

/// A value as a term.
pub fn to_term<'a, T: Serialize + ?Sized>(env: Env<'a>, value: &T) -> Result<Term<'a>, Mismatch> {
    value.serialize(Encoding { env })
}

#[derive(Clone, Copy)]
struct Encoding<'a> {
    env: Env<'a>,
}

impl<'a> Encoding<'a> {
    fn atom(self, word: &'static str) -> Result<Term<'a>, Mismatch> {
        Ok(atom_cache::get(self.env, word)?.to_term(self.env))
    }
}

/// Making an atom takes the atom table's lock and a hash of its text; the address of a static word does not change.
///
/// A table of fixed size for each thread: nothing to drop, so it does not keep the library from being unloaded.
mod atom_cache {
    use super::*;
    use std::cell::RefCell;

    const SLOTS: usize = 512;

    type Slot = Option<(&'static str, Atom)>;

    thread_local! {
        static ATOMS: RefCell<[Slot; SLOTS]> = const { RefCell::new([None; SLOTS]) };
    }

    pub fn get(env: Env, word: &'static str) -> Result<Atom, Mismatch> {
        let address = word.as_ptr() as usize;
        let slot = (address ^ address >> 9) % SLOTS;
        ATOMS.with_borrow_mut(|atoms| match atoms[slot] {
            Some((cached, atom)) if std::ptr::eq(cached, word) => Ok(atom),
            _ => {
                let atom = Atom::from_bytes(env, word.as_bytes())?;
                atoms[slot] = Some((word, atom));
                Ok(atom)
            }
        })
    }
}

impl<'a> Serializer for Encoding<'a> {
    type Ok = Term<'a>;
    type Error = Mismatch;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = Impossible<Term<'a>, Mismatch>;
    type SerializeTupleVariant = Impossible<Term<'a>, Mismatch>;
    type SerializeMap = Map<'a>;
    type SerializeStruct = Map<'a>;
    type SerializeStructVariant = Impossible<Term<'a>, Mismatch>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bool(self, v: bool) -> Result<Term<'a>, Mismatch> {
        Ok(v.encode(self.env))
    }

    fn serialize_i8(self, v: i8) -> Result<Term<'a>, Mismatch> {
        self.serialize_i64(v.into())
    }

    fn serialize_i16(self, v: i16) -> Result<Term<'a>, Mismatch> {
        self.serialize_i64(v.into())
    }

    fn serialize_i32(self, v: i32) -> Result<Term<'a>, Mismatch> {
        self.serialize_i64(v.into())
    }

    fn serialize_i64(self, v: i64) -> Result<Term<'a>, Mismatch> {
        Ok(v.encode(self.env))
    }

    fn serialize_u8(self, v: u8) -> Result<Term<'a>, Mismatch> {
        self.serialize_u64(v.into())
    }

    fn serialize_u16(self, v: u16) -> Result<Term<'a>, Mismatch> {
        self.serialize_u64(v.into())
    }

    fn serialize_u32(self, v: u32) -> Result<Term<'a>, Mismatch> {
        self.serialize_u64(v.into())
    }

    fn serialize_u64(self, v: u64) -> Result<Term<'a>, Mismatch> {
        Ok(v.encode(self.env))
    }

    fn serialize_f32(self, v: f32) -> Result<Term<'a>, Mismatch> {
        self.serialize_f64(v.into())
    }

    /// Erlang has no term for an infinite float or for no number at all.
    fn serialize_f64(self, v: f64) -> Result<Term<'a>, Mismatch> {
        if v.is_finite() {
            Ok(v.encode(self.env))
        } else {
            self.atom("unknown")
        }
    }

    fn serialize_char(self, v: char) -> Result<Term<'a>, Mismatch> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<Term<'a>, Mismatch> {
        self.serialize_bytes(v.as_bytes())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<Term<'a>, Mismatch> {
        Ok(NewBinary::from_slice(self.env, v).into())
    }

    fn serialize_none(self) -> Result<Term<'a>, Mismatch> {
        self.atom("undefined")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Term<'a>, Mismatch> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Term<'a>, Mismatch> {
        self.atom("undefined")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Term<'a>, Mismatch> {
        Err(Mismatch::default())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Term<'a>, Mismatch> {
        self.atom(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Term<'a>, Mismatch> {
        value.serialize(self)
    }

    /// A variant with one value is a pair, tagged with its name.
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Term<'a>, Mismatch> {
        Ok((self.atom(variant)?, value.serialize(self)?).encode(self.env))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<List<'a>, Mismatch> {
        let items = Vec::with_capacity(length.unwrap_or(0));
        Ok(List {
            encoding: self,
            items,
        })
    }

    fn serialize_tuple(self, length: usize) -> Result<List<'a>, Mismatch> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Mismatch> {
        Err(Mismatch::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Mismatch> {
        Err(Mismatch::default())
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Map<'a>, Mismatch> {
        let length = length.unwrap_or(0);
        Ok(Map {
            encoding: self,
            keys: Vec::with_capacity(length),
            values: Vec::with_capacity(length),
        })
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Map<'a>, Mismatch> {
        self.serialize_map(Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Mismatch> {
        Err(Mismatch::default())
    }
}

struct List<'a> {
    encoding: Encoding<'a>,
    items: Vec<Term<'a>>,
}

impl<'a> SerializeSeq for List<'a> {
    type Ok = Term<'a>;
    type Error = Mismatch;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mismatch> {
        self.items.push(value.serialize(self.encoding)?);
        Ok(())
    }

    fn end(self) -> Result<Term<'a>, Mismatch> {
        Ok(self.items.encode(self.encoding.env))
    }
}

impl<'a> SerializeTuple for List<'a> {
    type Ok = Term<'a>;
    type Error = Mismatch;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mismatch> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Term<'a>, Mismatch> {
        let env = self.encoding.env;
        Ok(rustler::types::tuple::make_tuple(env, &self.items))
    }
}

struct Map<'a> {
    encoding: Encoding<'a>,
    keys: Vec<Term<'a>>,
    values: Vec<Term<'a>>,
}

impl<'a> SerializeMap for Map<'a> {
    type Ok = Term<'a>;
    type Error = Mismatch;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Mismatch> {
        self.keys.push(key.serialize(self.encoding)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mismatch> {
        self.values.push(value.serialize(self.encoding)?);
        Ok(())
    }

    fn end(self) -> Result<Term<'a>, Mismatch> {
        let env = self.encoding.env;
        Ok(Term::map_from_term_arrays(env, &self.keys, &self.values)?)
    }
}

impl<'a> SerializeStruct for Map<'a> {
    type Ok = Term<'a>;
    type Error = Mismatch;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        self.keys.push(self.encoding.atom(key)?);
        SerializeMap::serialize_value(self, value)
    }

    fn end(self) -> Result<Term<'a>, Mismatch> {
        SerializeMap::end(self)
    }
}
