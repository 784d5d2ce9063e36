//! From terms to the core's types: the other direction of [`super::ser`]. A tuple may stand for a struct, in field order.

use rustler::types::{ListIterator, MapIterator};
use rustler::{Binary, Term, TermType};
use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::Mismatch;
use super::value::atom_text;
use crate::entry::tuple::first_elements;

/// A term as a value of the core.
pub fn from_term<'a, T: Deserialize<'a>>(term: Term<'a>) -> Result<T, Mismatch> {
    T::deserialize(Decoding { term })
}

#[derive(Clone, Copy)]
struct Decoding<'a> {
    term: Term<'a>,
}

impl<'de> Decoding<'de> {
    fn tuple_or_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match first_elements(self.term, usize::MAX) {
            Some(elements) => visitor.visit_seq(Items::new(elements)),
            None => self.deserialize_any(visitor),
        }
    }
}

impl<'de> Deserializer<'de> for Decoding<'de> {
    type Error = Mismatch;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let term = self.term;
        match term.get_type() {
            TermType::Integer => match term.decode::<u64>() {
                Ok(n) => visitor.visit_u64(n),
                Err(_) => visitor.visit_i64(term.decode()?),
            },
            TermType::Float => visitor.visit_f64(term.decode()?),
            TermType::Atom => atom_text(term, |text| match text {
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                word => visitor.visit_str(word),
            })?,
            TermType::Binary => {
                let bytes = Binary::from_term(term)?.as_slice();
                visitor.visit_borrowed_str(
                    std::str::from_utf8(bytes).map_err(|_| Mismatch::new("not UTF-8"))?,
                )
            }
            TermType::List => {
                // Fails on an improper list, over which the iterator would panic.
                term.list_length()?;
                visitor.visit_seq(Items::new(term.decode::<ListIterator>()?))
            }
            TermType::Tuple => match first_elements(term, usize::MAX) {
                Some(elements) => visitor.visit_seq(Items::new(elements)),
                None => Err(Mismatch::default()),
            },
            TermType::Map => visitor.visit_map(Pairs {
                pairs: MapIterator::new(term).ok_or_else(Mismatch::default)?,
                pair: None,
            }),
            _ => Err(Mismatch::new("no such term is expected")),
        }
    }

    /// What the pulse brings is numbers and tuples of them: each is taken for what is expected before anything is asked about it.
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.term.decode() {
            Ok(n) => visitor.visit_u64(n),
            Err(_) => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.tuple_or_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        self.tuple_or_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        let undefined = self.term.is_atom() && atom_text(self.term, |text| text == "undefined")?;
        if undefined {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_enum(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple_struct map identifier
    }

    /// Not looked into: a term nested deeply enough would use up the scheduler's stack.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }
}

struct Items<I> {
    items: I,
    index: usize,
}

impl<I> Items<I> {
    fn new(items: I) -> Items<I> {
        Items { items, index: 0 }
    }
}

impl<'a, I: Iterator<Item = Term<'a>>> SeqAccess<'a> for Items<I> {
    type Error = Mismatch;

    fn next_element_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mismatch> {
        let Some(term) = self.items.next() else {
            return Ok(None);
        };
        self.index += 1;
        let item = seed.deserialize(Decoding { term });
        item.map(Some)
            .map_err(|mismatch| mismatch.under(format!("element {}", self.index)))
    }
}

struct Pairs<'a> {
    pairs: MapIterator<'a>,
    pair: Option<(Term<'a>, Term<'a>)>,
}

impl<'a> MapAccess<'a> for Pairs<'a> {
    type Error = Mismatch;

    fn next_key_seed<S: DeserializeSeed<'a>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Mismatch> {
        let Some((key, value)) = self.pairs.next() else {
            return Ok(None);
        };
        self.pair = Some((key, value));
        seed.deserialize(Decoding { term: key }).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'a>>(&mut self, seed: S) -> Result<S::Value, Mismatch> {
        let (key, term) = self.pair.take().ok_or_else(Mismatch::default)?;
        seed.deserialize(Decoding { term }).map_err(|mismatch| {
            let name = atom_text(key, str::to_string);
            mismatch.under(name.unwrap_or_else(|_| "a key that is no atom".into()))
        })
    }
}

/// Variants without data are atoms; no other kind is handed in.
impl<'a> EnumAccess<'a> for Decoding<'a> {
    type Error = Mismatch;
    type Variant = NoData;

    fn variant_seed<S: DeserializeSeed<'a>>(self, seed: S) -> Result<(S::Value, NoData), Mismatch> {
        atom_text(self.term, |text| {
            let word: StrDeserializer<Mismatch> = text.into_deserializer();
            Ok((seed.deserialize(word)?, NoData))
        })?
    }
}

struct NoData;

impl<'a> VariantAccess<'a> for NoData {
    type Error = Mismatch;

    fn unit_variant(self) -> Result<(), Mismatch> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'a>>(self, _: S) -> Result<S::Value, Mismatch> {
        Err(Mismatch::new("a word with data is expected by nothing"))
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, _: V) -> Result<V::Value, Mismatch> {
        Err(Mismatch::new("a word with data is expected by nothing"))
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Mismatch> {
        Err(Mismatch::new("a word with data is expected by nothing"))
    }
}
