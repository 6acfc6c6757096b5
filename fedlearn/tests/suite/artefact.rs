//! Artefacts: documents that are read again, ONNX files that other code runs, versions.

mod onnx_reader;

use std::collections::BTreeMap;
use std::process::Command;

use yu_fedlearn::artefact::drift::Reference;
use yu_fedlearn::artefact::{
    Activation, Artefact, DataVersion, Layer, Lineage, Model, Network, Privacy, Tree, Trees, Versions, document, onnx,
};
use yu_fedlearn::feature::Binning;
use yu_fedlearn::feature::prepare::Scaler;

/// Numbers that look random and are the same every time.
fn number(at: usize) -> f64 {
    ((at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
}

fn layer(inputs: usize, outputs: usize, activation: Activation) -> Layer {
    Layer {
        weights: (0..inputs * outputs).map(|at| number(at + 31 * outputs)).collect(),
        bias: (0..outputs).map(|at| number(at + 977)).collect(),
        activation,
    }
}

fn tree(seed: usize, output: u32) -> Tree {
    let threshold = |at| number(seed + at);
    Tree {
        output,
        column: vec![0, 2, -1, -1, 1, -1, -1],
        threshold: vec![threshold(0), threshold(1), 0.0, 0.0, threshold(2), 0.0, 0.0],
        left: vec![1, 2, 0, 0, 5, 0, 0],
        right: vec![4, 3, 0, 0, 6, 0, 0],
        missing_left: vec![seed.is_multiple_of(2), false, false, false, true, false, false],
        value: vec![0.0, 0.0, number(seed + 3), number(seed + 4), 0.0, number(seed + 5), number(seed + 6)],
    }
}

fn models() -> Vec<(&'static str, Model)> {
    let scaling = |columns: usize| (0..columns).map(|at| Scaler { mean: number(at), deviation: 1.5, limit: 0.75 }).collect();
    let network = |scaling, layers| Model::Network(Network { scaling, layers });
    let trees = |outputs: usize, activation| {
        let trees = (0..6).map(|at| tree(10 * at, (at % outputs) as u32)).collect();
        Model::Trees(Trees { columns: 3, base: (0..outputs).map(|at| number(at + 5)).collect(), trees, activation })
    };
    vec![
        ("linear", network(Vec::new(), vec![layer(3, 1, Activation::Identity)])),
        ("logistic", network(scaling(3), vec![layer(3, 1, Activation::Sigmoid)])),
        ("poisson", network(scaling(3), vec![layer(3, 1, Activation::Exp)])),
        ("softmax", network(Vec::new(), vec![layer(3, 4, Activation::Softmax)])),
        (
            "perceptron",
            network(scaling(3), vec![layer(3, 8, Activation::Relu), layer(8, 5, Activation::Tanh), layer(5, 3, Activation::Softmax)]),
        ),
        ("boosted", trees(1, Activation::Sigmoid)),
        ("boosted-classes", trees(3, Activation::Softmax)),
    ]
}

fn artefact(name: &str, model: Model, parent: Option<String>) -> Artefact {
    let [inputs, outputs] = model.shape();
    let values: Vec<f64> = (0..500).map(number).collect();
    Artefact {
        format: document::FORMAT.into(),
        name: name.into(),
        created: "2026-11-28T08:00:00Z".into(),
        inputs: (0..inputs).map(|at| format!("x{at}")).collect(),
        outputs: (0..outputs).map(|at| format!("p{at}")).collect(),
        model,
        lineage: Lineage {
            parent,
            job: "5f".repeat(32),
            authorisation: "authorisation-7".into(),
            algorithm: "fedavg".into(),
            rounds: 12,
            data: vec![DataVersion { party: "bank".into(), dataset: "loans".into(), version: "ab".repeat(32) }],
        },
        privacy: Privacy::Differential {
            epsilon: 3.0,
            delta: 1e-5,
            unit: "record".into(),
            noise: "distributed".into(),
            accountant: "pld".into(),
        },
        metrics: BTreeMap::from([("auc".to_owned(), 0.1 + 0.2)]),
        references: vec![Reference::of("x0", Binning::quantile(&values, 5).unwrap(), &values, 10).unwrap()],
    }
}

#[test]
fn documents_are_read_as_they_were_written() {
    for (name, model) in models() {
        let written = artefact(name, model, None);
        let bytes = written.to_json().unwrap();
        let hash = written.hash().unwrap();
        assert_eq!(Artefact::from_json(&bytes, Some(&hash)).unwrap(), written);
        // anything else is refused: another byte, another order, a field more, another hash
        let text = String::from_utf8(bytes.clone()).unwrap();
        for other in [text.replace("fedavg", "fedavG"), text.replacen('{', "{ ", 1), text.replacen('{', r#"{"a":1,"#, 1)] {
            assert!(Artefact::from_json(other.as_bytes(), Some(&hash)).is_err());
        }
        assert!(Artefact::from_json(text.replacen('{', "{ ", 1).as_bytes(), None).is_err());
        assert!(Artefact::from_json(&bytes[..bytes.len() - 1], None).is_err());
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let good = artefact("linear", models().remove(0).1, None);
    let spoil: [fn(&mut Artefact); 5] = [
        |artefact| artefact.format = "yu-artefact/9".into(),
        |artefact| artefact.inputs.truncate(1),
        |artefact| artefact.lineage.parent = Some("no hash".into()),
        |artefact| artefact.metrics = BTreeMap::from([("auc".to_owned(), f64::NAN)]),
        |artefact| artefact.references[0].counts.truncate(1),
    ];
    for spoil in spoil {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(bad.check().is_err() && bad.to_json().is_err() && onnx::write(&bad).is_err());
    }
    assert!(good.privacy.words()[1].contains("差分隐私"));
}

/// Rows of 32-bit floats, one of them with a missing value for trees.
fn rows() -> Vec<Vec<f64>> {
    (0..40).map(|row| (0..3).map(|at| f64::from(number(100 + 3 * row + at) as f32)).collect()).collect()
}

#[test]
fn onnx_files_say_what_the_model_says() {
    for (name, model) in models() {
        let artefact = artefact(name, model, None);
        let bytes = onnx::write(&artefact).unwrap();
        let file = onnx_reader::Model::read(&bytes);
        assert_eq!(file.metadata["yu.artefact"], artefact.hash().unwrap());
        assert_eq!((file.ir, file.operators[""], file.input, file.output), (8, 17, 3, artefact.model.shape()[1]));
        for row in rows() {
            let found = file.run(&row.iter().map(|value| *value as f32).collect::<Vec<_>>());
            for (found, expected) in found.iter().zip(artefact.model.predict(&row).unwrap()) {
                assert!((f64::from(*found) - expected).abs() < 1e-5, "{name}: {found} {expected}");
            }
        }
    }
}

/// The same with another's runtime, where Python has it: `YU_PYTHON` names the interpreter.
#[test]
fn onnxruntime_says_what_the_model_says() {
    let python = std::env::var("YU_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_it = Command::new(&python).args(["-c", "import onnxruntime"]).output().is_ok_and(|output| output.status.success());
    if !has_it {
        eprintln!("skipped: `{python}` has no onnxruntime (set YU_PYTHON)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut greatest = 0.0f64;
    for (name, model) in models() {
        let artefact = artefact(name, model, None);
        let file = folder.path().join(format!("{name}.onnx"));
        std::fs::write(&file, onnx::write(&artefact).unwrap()).unwrap();
        let mut all = rows();
        if name.starts_with("boosted") {
            all.extend([vec![f64::NAN, 0.1, 0.2], vec![0.9, f64::NAN, f64::NAN]]);
        }
        let script = r#"
import sys, json, numpy as np, onnxruntime as ort
session = ort.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
rows = np.array([[float("nan") if v is None else v for v in row] for row in json.loads(sys.argv[2])], dtype=np.float32)
meta = session.get_modelmeta().custom_metadata_map
print(json.dumps([session.run(["output"], {"input": rows})[0].tolist(), meta["yu.artefact"], ort.__version__]))
"#;
        let text = serde_json::to_string(&all).unwrap();
        let output = Command::new(&python).args(["-c", script]).arg(&file).arg(&text).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let (found, hash, version): (Vec<Vec<f64>>, String, String) = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(hash, artefact.hash().unwrap());
        assert_eq!(found.len(), all.len());
        let mut most = 0.0f64;
        for (row, found) in all.iter().zip(found) {
            let expected = artefact.model.predict(row).unwrap();
            assert_eq!(found.len(), expected.len());
            most = found.iter().zip(expected).fold(most, |most, (found, expected)| most.max((found - expected).abs()));
        }
        println!("{name}: onnxruntime {version}, greatest difference {most:e}");
        greatest = greatest.max(most);
    }
    assert!(greatest < 1e-5, "{greatest:e}");
}

#[test]
fn versions_are_added_used_and_rolled_back() {
    let model = |at: usize| Model::Network(Network { scaling: Vec::new(), layers: vec![layer(at + 1, 1, Activation::Identity)] });
    let mut versions = Versions::new("risk");
    let first = artefact("risk", model(1), None);
    let second = artefact("risk", model(2), Some(first.hash().unwrap()));
    let third = artefact("risk", model(3), Some(second.hash().unwrap()));
    assert!(versions.add(&second, "t0").is_err(), "its parent is not there");
    for (number, version) in [(1, &first), (2, &second), (3, &third)] {
        assert_eq!(versions.add(version, "t1").unwrap(), number);
    }
    assert!(versions.add(&first, "t2").is_err() && versions.add(&artefact("other", model(1), None), "t2").is_err());
    assert!(versions.current().is_none() && versions.roll_back("t2", "authority", "none").is_err());
    for to in 1..=3 {
        versions.use_version(to, "t3", "authority", "approved").unwrap();
    }
    assert!(versions.use_version(3, "t4", "authority", "again").is_err() && versions.use_version(4, "t4", "authority", "none").is_err());
    assert_eq!(versions.roll_back("t4", "operator", "drift").unwrap(), 2);
    assert_eq!(versions.roll_back("t5", "operator", "drift again").unwrap(), 1);
    assert!(versions.roll_back("t6", "operator", "further").is_err());
    versions.use_version(3, "t7", "authority", "repaired").unwrap();
    assert_eq!(versions.roll_back("t8", "operator", "worse").unwrap(), 1);
    // nothing was deleted
    assert_eq!((versions.records().len(), versions.moves().len(), versions.current().unwrap().number), (3, 7, 1));
    let line: Vec<u32> = versions.lineage(3).iter().map(|record| record.number).collect();
    assert_eq!(line, [3, 2, 1]);
    let bytes = versions.to_json().unwrap();
    assert_eq!(Versions::from_json(&bytes).unwrap(), versions);
    let text = String::from_utf8(bytes).unwrap();
    assert!(Versions::from_json(text.replace(r#""to":3"#, r#""to":4"#).as_bytes()).is_err());
    assert!(Versions::from_json(text.replace(r#""number":2"#, r#""number":3"#).as_bytes()).is_err());
}
