//! Enumerations whose members have a name in files and on command lines.

/// Gives an enumeration without data its names: `ALL`, `name`, `Display` and `FromStr`, whose error lists what is expected.
#[macro_export]
macro_rules! named_choice {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every choice, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in files and on command lines.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.pad(self.name())
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|choice| choice.name() == text).ok_or_else(|| {
                    let names: Vec<&str> = Self::ALL.iter().map(|choice| choice.name()).collect();
                    let (last, others) = names.split_last().unwrap_or((&"nothing", &[]));
                    let listed = if others.is_empty() { (*last).to_owned() } else { format!("{} or {last}", others.join(", ")) };
                    format!("expected {listed}, found {text}")
                })
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::model::ModelKind;

    #[test]
    fn names_on_command_lines_are_those_in_files() {
        for kind in ModelKind::ALL {
            assert_eq!(serde_json::to_value(kind).ok(), Some(kind.name().into()));
            assert_eq!(kind.name().parse(), Ok(*kind));
        }
        assert_eq!("x".parse::<ModelKind>(), Err("expected ae, cae or cvae, found x".to_owned()));
    }
}
