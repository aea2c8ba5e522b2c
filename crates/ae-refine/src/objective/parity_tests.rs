//! Objectives against an independent computation, `scripts/parity/refinement_objectives.py`.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use tch::{Kind, Tensor};

use super::imsat::Imsat;
use super::prototypes::Prototypes;
use super::{aspc, dec, student};

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../../tests/data/objectives.json")).unwrap()
}

/// A matrix or a vector of the case.
fn tensor(case: &Value, name: &str) -> Tensor {
    let numbers =
        |row: &Value| -> Vec<f64> { row.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect() };
    let values = &case[name];
    let tensor = match values[0].is_array() {
        true => Tensor::from_slice2(&values.as_array().unwrap().iter().map(numbers).collect::<Vec<_>>()),
        false => Tensor::from_slice(&numbers(values)),
    };
    tensor.to_kind(Kind::Float)
}

fn number(case: &Value, name: &str) -> f64 {
    case[name].as_f64().unwrap()
}

#[track_caller]
fn assert_close(found: &Tensor, expected: f64) {
    let found = found.double_value(&[]);
    assert!((found - expected).abs() < 1e-5 * expected.abs().max(1.0), "expected {expected}, found {found}");
}

#[test]
fn imsat_is_the_paper_s() {
    for case in cases() {
        let imsat = Imsat {
            information_weight: number(&case, "information_weight"),
            marginal_weight: number(&case, "marginal_weight"),
        };
        let loss = imsat.loss(&tensor(&case, "logits"), &tensor(&case, "moved_logits"));
        assert_close(&loss, number(&case, "imsat"));
    }
}

/// What an image is assigned to does not learn from its moved form: only the divergence holds the two together.
#[test]
fn imsat_moves_the_moved_image_towards_the_image() {
    let imsat = Imsat { information_weight: 0.0, marginal_weight: 0.0 };
    for case in cases() {
        let [logits, moved] = ["logits", "moved_logits"].map(|name| tensor(&case, name).set_requires_grad(true));
        let loss = imsat.loss(&logits, &moved);
        let gradients = Tensor::run_backward(&[&loss], &[&logits, &moved], false, false);
        let size = |gradient: &Tensor| {
            if gradient.defined() { gradient.abs().sum(Kind::Double).double_value(&[]) } else { 0.0 }
        };
        assert!(size(&gradients[0]) < 1e-6 && size(&gradients[1]) > 1e-3);
    }
}

#[test]
fn dec_is_the_paper_s() {
    for case in cases() {
        let assigned = dec::soft_assignment(&tensor(&case, "latents"), &tensor(&case, "centroids"));
        assert!(assigned.allclose(&tensor(&case, "soft_assignment"), 1e-5, 1e-6, false));
        let target = dec::target_distribution(&assigned);
        assert!(target.allclose(&tensor(&case, "target"), 1e-4, 1e-6, false));
        assert_close(&dec::loss(&target, &assigned), number(&case, "dec"));
    }
}

#[test]
fn aspc_is_the_paper_s() {
    for case in cases() {
        let (latents, centroids) = (tensor(&case, "latents"), tensor(&case, "centroids"));
        let distances = dec::squared_distances(&latents, &centroids);
        let named = distances.argmin(1, false);
        assert_eq!(
            Vec::<i64>::try_from(&named).unwrap(),
            Vec::<i64>::try_from(tensor(&case, "named").to_kind(Kind::Int64)).unwrap()
        );
        let own = distances.gather(1, &named.unsqueeze(1), false).squeeze_dim(1);
        let members = aspc::taking_part(&own, number(&case, "part"));
        assert_eq!(members, tensor(&case, "taking_part"));
        assert_close(&aspc::loss(&latents, &centroids.index_select(0, &named), &members, 10.0), number(&case, "aspc"));
    }
}

#[test]
fn prototypes_are_the_paper_s() {
    for case in cases() {
        let prototypes = Prototypes { prototype_weight: 1.0, prototype_temperature: number(&case, "part") + 0.1 };
        let (latents, centroids) = (tensor(&case, "latents"), tensor(&case, "centroids"));
        let named = tensor(&case, "named").to_kind(Kind::Int64);
        assert_close(&prototypes.loss(&latents, &centroids, &named, 2.0), number(&case, "prototypes"));
    }
}

#[test]
fn a_student_learns_and_says_what_it_should() {
    for case in cases() {
        let [logits, moved] = ["logits", "moved_logits"].map(|name| tensor(&case, name));
        let named = tensor(&case, "named").to_kind(Kind::Int64);
        assert_close(&student::loss(&moved, &named), number(&case, "student"));
        let assigned = student::assignment([logits, moved]).unwrap();
        assert!(assigned.allclose(&tensor(&case, "assignment"), 1e-5, 1e-6, false));
    }
    assert!(student::assignment([]).is_none());
}
