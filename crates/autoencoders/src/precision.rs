//! What numbers layers compute with.

use run_store::named_choice;
use serde::Serialize;
use tch::Kind;

/// The numbers that flow between layers. Parameters, running statistics, losses and gradients of parameters stay f32 whatever it
/// is, so a model's weights are of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32 bits: what the study has, and what agrees with other programs to the last digits.
    #[default]
    F32,
    /// bfloat16, f32 without the last 16 bits of its fraction: half the memory to move, and products of matrices at several times
    /// the speed where the processor has them. Products are still summed in f32.
    Bf16,
}

named_choice!(Precision { F32 => "f32", Bf16 => "bf16" });

impl Precision {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::F32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
        }
    }
}
