//! Files that do something when a careless reader takes them for Python's or PyTorch's: they are refused, and nothing is done.

use std::fs;
use std::path::Path;

use pipeline_tests::{Study, error_text, replace_output};
use run_store::{ModelKind, Stage, file};

/// What makes `marker` when it is unpickled, in Python's protocol 0.
fn pickle(marker: &Path) -> Vec<u8> {
    format!("cos\nsystem\n(S'touch {}'\ntR.", marker.display()).into_bytes()
}

/// The same as PyTorch lays it down: a zip archive with the member `weights/data.pkl`, stored as it is.
fn archive(content: &[u8]) -> Vec<u8> {
    let name = b"weights/data.pkl";
    let checksum = content.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg()))
    });
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    let name_length = u16::try_from(name.len()).unwrap().to_le_bytes();
    // What the local header and the entry of the directory share: version, flags, method, time, date, checksum, lengths.
    let shared =
        [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &(!checksum).to_le_bytes(), &length, &length, &name_length, &[0; 2]]
            .concat();
    let member = [b"PK\x03\x04", &shared[..], name, content].concat();
    let entry = [b"PK\x01\x02\x14\x00", &shared[..], &[0; 14], name].concat();
    let [size, place] = [entry.len(), member.len()].map(|length| u32::try_from(length).unwrap().to_le_bytes());
    let end = [b"PK\x05\x06", &[0, 0, 0, 0, 1, 0, 1, 0][..], &size, &place, &[0; 2]].concat();
    [member, entry, end].concat()
}

#[test]
fn nothing_is_unpickled() {
    let study = Study::finished(ModelKind::Cae);
    let marker = study.path().join("unpickled");
    let pickle = pickle(&marker);
    let read_by = [
        (Stage::MnistData, file::DATASET, Stage::LatentExport),
        (Stage::AeTrain, file::WEIGHTS, Stage::LatentExport),
        (Stage::AeTrain, file::MODEL, Stage::LatentExport),
        (Stage::AeTrain, file::WEIGHTS_BY_EPOCH, Stage::ReconEval),
        (Stage::LatentExport, file::TRAIN_LATENTS, Stage::ClusterEval),
        (Stage::LatentExport, file::TEST_LATENTS, Stage::LatentClassify),
        (Stage::ReaderTrain, file::WEIGHTS, Stage::ReconEval),
    ];
    for (writer, name, reader) in read_by {
        let dir = study.dir(writer);
        let whole = fs::read(dir.file(name)).unwrap();
        for content in [&pickle, &archive(&pickle)] {
            replace_output(&dir, name, content);
            let error = error_text(study.command_with(reader, &[]), 1);
            assert!(error.contains(name) && !error.contains("panicked"), "{writer} → {reader}: {error}");
        }
        replace_output(&dir, name, &whole);
    }
    assert!(!marker.exists(), "a file was unpickled");
}

/// The files above would do it: Python, which unpickles, does.
#[test]
fn what_is_not_unpickled_would_have_done_something() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("unpickled");
    let file = folder.path().join("weights.pt");
    fs::write(&file, archive(&pickle(&marker))).unwrap();
    let script = "import pickle, sys, zipfile; pickle.loads(zipfile.ZipFile(sys.argv[1]).read('weights/data.pkl'))";
    let status = std::process::Command::new("python3").args(["-c", script]).arg(&file).status().unwrap();
    assert!(status.success() && marker.exists());
}
