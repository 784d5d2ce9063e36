//! Closed sets of words: enums whose variants are atoms in Erlang terms and strings in JSON and in text.

/// Defines an enum with its words: `as_str`, `parse`, `ALL` in listed order, and both directions of serde.
#[macro_export]
macro_rules! atoms {
    ($(#[$meta:meta])* pub enum $Name:ident { $($(#[$doc:meta])* $Variant:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Name { $($(#[$doc])* $Variant,)* }

        impl $Name {
            /// All of them, in listed order.
            pub const ALL: &'static [$Name] = &[$($Name::$Variant,)*];

            /// The word as users write and read it.
            pub const fn as_str(self) -> &'static str {
                match self { $($Name::$Variant => $word,)* }
            }

            /// The one that a word means.
            pub fn parse(word: &str) -> Option<$Name> {
                match word { $($word => Some($Name::$Variant),)* _ => None }
            }
        }

        impl $crate::serde::Serialize for $Name {
            fn serialize<S: $crate::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit_variant(stringify!($Name), 0, self.as_str())
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $Name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct OneOf;
                impl $crate::serde::de::Visitor<'_> for OneOf {
                    type Value = $Name;
                    fn expecting(&self, f: &mut ::std::fmt::Formatter) -> ::std::fmt::Result {
                        f.write_str(concat!("a word of ", stringify!($Name)))
                    }
                    fn visit_str<E: $crate::serde::de::Error>(self, word: &str) -> Result<$Name, E> {
                        $Name::parse(word).ok_or_else(|| E::custom("not a known word"))
                    }
                }
                deserializer.deserialize_str(OneOf)
            }
        }
    };
}
