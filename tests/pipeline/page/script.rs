//! The functions of the page's script that can be held against known answers.

use pipeline_tests::Browser;
use serde_json::{Value, json};

use super::{open, study};

/// Expressions, and what they are.
fn cases() -> Vec<(&'static str, Value)> {
    vec![
        // 1, −2, the largest, and zero in half precision; then the smallest that is not.
        ("Array.from(halves(Uint8Array.of(0, 0x3c, 0, 0xc0, 0xff, 0x7b, 0, 0)))", json!([1, -2, 65504, 0])),
        ("halves(Uint8Array.of(1, 0))[0] * 2 ** 24", json!(1)),
        ("Array.from(wholes(Uint8Array.of(1, 2, 255, 255), 16))", json!([513, 65535])),
        ("Array.from(wholes(Uint8Array.of(1, 0, 0, 1), 32))", json!([16_777_217])),
        // Numbers, then texts, then what is not there.
        ("[3, 'b', '–', 1, 'a'].sort((one, other) => inOrder(one, other, true))", json!([1, 3, "a", "b", "–"])),
        ("[3, 'b', '–', 1, 'a'].sort((one, other) => inOrder(one, other, false))", json!([3, 1, "b", "a", "–"])),
        ("isSame(0.1, 0.10000000149)", json!(true)),
        ("isSame([1, 2], [1, 3])", json!(false)),
        // Whole numbers are what they are, however large; those that a script does not tell apart are texts.
        ("isSame(20240601, 20240602)", json!(false)),
        ("isSame('9007199254740992', '9007199254740993')", json!(false)),
        ("decimalsFor({ decimals: 1, factor: 100 }, [0.5, 0.50001])", json!(3)),
        ("decimalsFor({ decimals: 1, factor: 100 }, [0.5, 0.5])", json!(1)),
        ("parameterText(null)", json!("not set")),
        ("parameterText([0, 5])", json!("0, 5")),
        ("parameterText([{ a: 1 }, [2]])", json!("{\"a\":1}, [2]")),
        // A name that every object has is no parameter for that.
        (
            "differingParameters([{ constructor: 1 }, {}].map((side) => ({ stages: [['ae-train', side]] })))[0].values",
            json!([1, null]),
        ),
        // Of two kinds of losses none is better; of one that is not known nothing speaks against it.
        (
            "differingFigures([{ 'test.loss': 'bce' }, {}].map((measures, place) => ({ measures, figures: { 'test.loss': 2 - place } })))[0].best",
            json!(1),
        ),
        (
            "differingFigures(['bce', 'mse'].map((loss, place) => ({ measures: { 'test.loss': loss }, figures: { 'test.loss': place } })))[0].best ?? 'none'",
            json!("none"),
        ),
        ("signed('-0.5') + signed('0.5')", json!("−0.5+0.5")),
        ("sheetAt({ epochs: [{ epoch: 1 }, { epoch: 5 }] }, 4)", json!(0)),
        ("sheetAt({ epochs: [{ epoch: 1 }, { epoch: 5 }] }, 0)", json!(-1)),
        // Before its first kept epoch a model shows nothing, and not its originals.
        ("shownSheet({ epochs: [{ epoch: 10 }] }, 1)", json!(null)),
        ("shownSheet({ originals: 7, epochs: [{ epoch: 10 }] }, undefined).reading", json!(7)),
        ("saidOf({ epochs: [{ epoch: 10 }] }, null, 'epoch 1')", json!("first kept: epoch 10")),
        // Of a refined model the epochs are those of refining.
        ("epochName({ is_refined: false, is_of_trained: false }, 0)", json!("untrained")),
        ("epochName({ is_refined: true, is_of_trained: false }, 0)", json!("untrained")),
        ("epochName({ is_refined: true, is_of_trained: true }, 0)", json!("before refining")),
        ("epochName({ is_refined: true, is_of_trained: true }, 5)", json!("epoch 5 of refining")),
        // What is darker than black is black.
        ("Array.from(decodedLevels({ decode: () => [-0.5, 0.5, 2] }, null))", json!([0, 128, 255])),
        // A view of 200 × 100 pixels: upwards is up, and what is under the pointer stays there.
        ("toPixel({ x: 1, y: 2, scale: 10 }, { width: 200, height: 100 }, 2, 3)", json!([110, 40])),
        ("toPlace({ x: 1, y: 2, scale: 10 }, { width: 200, height: 100 }, 110, 40)", json!([2, 3])),
        (
            "toPlace(zoomed({ x: 1, y: 2, scale: 10 }, { width: 200, height: 100 }, 110, 40, 4), { width: 200, height: 100 }, 110, 40)",
            json!([2, 3]),
        ),
        ("viewOfAll([0, 0, 4, 2], { width: 200, height: 200 })", json!({ "x": 2, "y": 1, "scale": 47 })),
        // The nearest point that is shown, if it is near enough.
        ("nearest({ x: 0, y: 0, scale: 1 }, { width: 2, height: 2 }, [0, 0, 5, 0], [0, 1], 5, 1, 3)", json!(1)),
        ("nearest({ x: 0, y: 0, scale: 1 }, { width: 2, height: 2 }, [0, 0, 5, 0], [0], 5, 1, 3)", json!(-1)),
        ("disc(1).length", json!(5)),
        ("pixelColour('#010203')", json!(0xff03_0201_u32)),
    ]
}

#[test]
fn functions_give_the_known_answers() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    for (expression, expected) in cases() {
        let found = browser.evaluate(&format!("return {expression}"), &[]);
        let same = match (found.as_f64(), expected.as_f64()) {
            (Some(found), Some(expected)) => found == expected,
            _ => numbers(&found) == numbers(&expected),
        };
        assert!(same, "{expression} is {found}, expected {expected}");
    }
}

/// The same with every number as a floating-point number.
fn numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(values) => values.iter().map(numbers).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), numbers(value))).collect(),
        other => other.clone(),
    }
}

/// Layers on inputs small enough to be reckoned by hand.
#[test]
fn layers_do_what_their_names_say() {
    if !Browser::available() {
        return;
    }
    let study = study();
    let browser = open(&study);
    // One pixel of two channels becomes 2 × 2 pixels of one: each is the kernel's cell, and what sticks out is cropped.
    let transposed = "const tensors = {
            weight: { shape: [2, 1, 3, 3], values: Float32Array.from({ length: 18 }, (_, place) => place) },
            bias: { values: Float32Array.of(100) },
        };
        const step = layerSteps.conv_transpose2d({ filters: 1, kernel: 3, stride: 2 }, (role) => tensors[role]);
        return Array.from(step({ values: Float32Array.of(1, 2), height: 1, width: 1, channels: 2 }).values);";
    // Cells 0, 1, 3, 4 of both channels: c + 2 (9 + c).
    assert_eq!(numbers(&browser.evaluate(transposed, &[])), json!([118.0, 121.0, 127.0, 130.0]));
    let dense = "const tensors = {
            weight: { shape: [2, 2], values: Float32Array.of(1, 2, 3, 4) }, bias: { values: Float32Array.of(10, 20) },
        };
        return Array.from(layerSteps.dense({}, (role) => tensors[role])({ values: Float32Array.of(1, -1) }).values);";
    assert_eq!(numbers(&browser.evaluate(dense, &[])), json!([9.0, 19.0]));
    // A vector is an image of one pixel: 1 · (1, 2, 3, 4) and 2 · (10, 20, 30, 40).
    let after_dense = "const units = { weight: { shape: [2, 1], values: Float32Array.of(1, 2) }, bias: { values: Float32Array.of(0, 0) } };
        const kernels = {
            weight: { shape: [2, 1, 2, 2], values: Float32Array.of(1, 2, 3, 4, 10, 20, 30, 40) }, bias: { values: Float32Array.of(0) },
        };
        const dense = layerSteps.dense({}, (role) => units[role]);
        const transposed = layerSteps.conv_transpose2d({ filters: 1, kernel: 2, stride: 2 }, (role) => kernels[role]);
        return Array.from(transposed(dense({ values: Float32Array.of(1) })).values);";
    assert_eq!(numbers(&browser.evaluate(after_dense, &[])), json!([21.0, 42.0, 63.0, 84.0]));
    let normalised = "const tensors = Object.fromEntries(
            [['weight', 2], ['bias', 1], ['running_mean', 3], ['running_var', 4]].map(([name, value]) => [name, { values: Float32Array.of(value) }]));
        return Array.from(layerSteps.batch_norm({ epsilon: 0 }, (role) => tensors[role])({ values: Float32Array.of(3, 5) }).values);";
    assert_eq!(numbers(&browser.evaluate(normalised, &[])), json!([1.0, 3.0]));
    let activated =
        "return Array.from(layerSteps.leaky_relu({ slope: 0.5 })({ values: Float32Array.of(-2, 2) }).values)";
    assert_eq!(numbers(&browser.evaluate(activated, &[])), json!([-1.0, 2.0]));
}
