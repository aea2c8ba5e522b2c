//! The folder that TensorBoard's embedding projector reads: a point for each latent, what is known of it, and its image.
//!
//! TensorBoard reads any tensor file as lines of text, and as raw numbers only where that fails because bytes are no text. Raw
//! numbers that happen to be text, such as a row of twos, make it fail for good. So the numbers stand here as text, each as the
//! shortest that reads back as the same f32.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::artifacts::free_name;
use crate::error::{Result, StoreError};
use crate::folder_replacement::FolderReplacement;
use crate::layout::Split;
use crate::opened;

/// The first line of a configuration, by which an export is known again.
const MARK: &str = "# An export of run-report: the next one to this folder replaces all of it.";
const CONFIG: &str = "projector_config.pbtxt";
/// The most bytes of a configuration: some hundred for each run.
const CONFIG_LIMIT: u64 = 16 << 20;
const TENSORS: &str = "tensors.tsv";
const METADATA: &str = "metadata.tsv";
const SPRITE: &str = "sprite";

/// What may stand in a name besides letters and digits: TensorBoard puts names into addresses as they are, and takes what
/// follows a colon for no part of them.
const PUNCTUATION: &str = "-_.@";

/// Stands for the name that a cluster does not have. It has to be a word: the projector stumbles over no text at all.
const UNNAMED: &str = "none";

/// A folder for the embedding projector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectorDir {
    path: PathBuf,
}

/// What is known of a latent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The split that its image is of.
    pub split: Split,
    /// Position of the image in the source's split.
    pub index: u32,
    /// True class of the image.
    pub label: u8,
    /// Its cluster and the class that this is named after, if the run has clusters and this one a name.
    pub cluster: Option<(u32, Option<u8>)>,
}

/// The images of a run's points, in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointImages {
    file_name: String,
    height: u32,
    width: u32,
}

impl ProjectorDir {
    /// The folder at `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether an export was written here.
    #[must_use]
    pub fn holds_export(&self) -> bool {
        self.exported_files().is_some()
    }

    /// Begins an export that is to take the place of what is here.
    ///
    /// # Errors
    /// There is something else than an earlier export here, another process is at the same, or the disk refuses.
    pub fn begin(&self) -> Result<ProjectorWork> {
        self.check_replaceable()?;
        let replacement = FolderReplacement::begin(&self.path)?;
        Ok(ProjectorWork {
            dir: self.clone(),
            replacement,
            names: [CONFIG.to_owned()].into(),
            config: format!("{MARK}\n"),
        })
    }

    /// Refuses a folder in which a replacement would destroy what no export wrote.
    fn check_replaceable(&self) -> Result<()> {
        if !self.path.exists() {
            return Ok(());
        }
        if !self.path.is_dir() {
            return Err(StoreError::invalid(&self.path, "expected a folder, found a file", "name another folder"));
        }
        let known = self.exported_files().unwrap_or_default();
        match first_foreign(&self.path, Path::new(""), &known).map_err(StoreError::io("read", &self.path))? {
            None => Ok(()),
            Some(foreign) => {
                let problem = format!(
                    "expected a new or empty folder, or an earlier export and nothing else, found {}",
                    foreign.display()
                );
                Err(StoreError::invalid(&self.path, problem, "name another folder, or move that away"))
            }
        }
    }

    /// The files of the export in this folder, as its configuration lists them. None where there is no export.
    fn exported_files(&self) -> Option<BTreeSet<PathBuf>> {
        let config = opened::read(&self.path.join(CONFIG), "a projector's configuration", CONFIG_LIMIT).ok()?;
        let config = String::from_utf8(config).ok()?;
        let lines = config.strip_prefix(MARK)?.lines();
        let paths =
            lines.filter_map(|line| line.trim().split_once("_path: \"")?.1.strip_suffix('"').map(PathBuf::from));
        Some(paths.chain([PathBuf::from(CONFIG)]).collect())
    }
}

/// Something below `folder`, which is `below` the export's folder, that is neither one of the files `known` nor on the way to one.
fn first_foreign(folder: &Path, below: &Path, known: &BTreeSet<PathBuf>) -> io::Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        let is_way = known.iter().any(|file| *file != path && file.starts_with(&path));
        if entry.file_type()?.is_dir() && is_way {
            if let Some(foreign) = first_foreign(&entry.path(), &path, known)? {
                return Ok(Some(foreign));
            }
        } else if entry.file_type()?.is_dir() || !known.contains(&path) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn sprite_name(number: usize) -> String {
    if number == 1 { format!("{SPRITE}.png") } else { format!("{SPRITE}-{number}.png") }
}

/// An export in the making. Dropped before [`commit`](Self::commit), it leaves no trace.
#[derive(Debug)]
pub struct ProjectorWork {
    dir: ProjectorDir,
    replacement: FolderReplacement,
    /// What the export's folder holds so far.
    names: BTreeSet<String>,
    config: String,
}

impl ProjectorWork {
    /// Writes images of `height` × `width` pixels that lie in the picture `png` in a square grid, row by row.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn add_images(&mut self, png: &[u8], height: u32, width: u32) -> Result<PointImages> {
        let mut number = 1;
        while !self.names.insert(sprite_name(number)) {
            number += 1;
        }
        let file_name = sprite_name(number);
        let path = self.replacement.path().join(&file_name);
        fs::write(&path, png).map_err(StoreError::io("write", &path))?;
        Ok(PointImages { file_name, height, width })
    }

    /// Writes the latents of a run, which is called `name` as far as TensorBoard can: one of `dimensions` values for each of
    /// `points`, in their order, which is that of `images` too.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn add_points<'a>(
        &mut self,
        name: &str,
        latents: impl Iterator<Item = &'a [f32]>,
        dimensions: usize,
        points: &[Point],
        images: Option<&PointImages>,
    ) -> Result<()> {
        let name = free_name(name, PUNCTUATION, &mut self.names);
        self.replacement.check()?;
        let folder = self.replacement.path().join(&name);
        fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        write_lines(&folder.join(TENSORS), |file| {
            latents.into_iter().try_for_each(|latent| write_tensor(file, latent))
        })?;
        write_lines(&folder.join(METADATA), |file| write_metadata(file, points))?;
        // Without its shape, a tensor could not be shown before TensorBoard has read all others to find out theirs. Writing to a
        // string does not fail.
        let _ = write!(
            self.config,
            "embeddings {{\n  tensor_name: \"{name}\"\n  tensor_shape: {}\n  tensor_shape: {dimensions}\n  tensor_path: \
             \"{name}/{TENSORS}\"\n  metadata_path: \"{name}/{METADATA}\"\n",
            points.len()
        );
        if let Some(PointImages { file_name, height, width }) = images {
            let _ = write!(
                self.config,
                "  sprite {{\n    image_path: \"{file_name}\"\n    single_image_dim: {width}\n    single_image_dim: \
                 {height}\n  }}\n"
            );
        }
        self.config += "}\n";
        Ok(())
    }

    /// Writes the configuration and puts the export in its place.
    ///
    /// # Errors
    /// The disk refuses; an earlier export is then still there.
    pub fn commit(self) -> Result<()> {
        self.replacement.check()?;
        let path = self.replacement.path().join(CONFIG);
        fs::write(&path, &self.config).map_err(StoreError::io("write", &path))?;
        // What somebody has put there meanwhile stays.
        self.dir.check_replaceable()?;
        self.replacement.commit()
    }
}

fn write_lines(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<()> {
    let file = File::create(path).map_err(StoreError::io("create", path))?;
    let mut file = BufWriter::new(file);
    write(&mut file).and_then(|()| file.flush()).map_err(StoreError::io("write", path))
}

fn write_tensor(file: &mut impl Write, latent: &[f32]) -> io::Result<()> {
    for (dimension, value) in latent.iter().enumerate() {
        let tab = if dimension == 0 { "" } else { "\t" };
        write!(file, "{tab}{value}")?;
    }
    writeln!(file)
}

/// Only numbers and our own words: no tab or line break can be among them.
fn write_metadata(file: &mut impl Write, points: &[Point]) -> io::Result<()> {
    let with_clusters = points.iter().all(|point| point.cluster.is_some());
    writeln!(file, "split\tindex\tlabel{}", if with_clusters { "\tcluster\tname" } else { "" })?;
    for Point { split, index, label, cluster } in points {
        write!(file, "{split}\t{index}\t{label}")?;
        if let Some((cluster, name)) = cluster.filter(|_| with_clusters) {
            let name = name.map_or_else(|| UNNAMED.to_owned(), |name| name.to_string());
            write!(file, "\t{cluster}\t{name}")?;
        }
        writeln!(file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn point(index: u32, cluster: Option<(u32, Option<u8>)>) -> Point {
        Point { split: Split::Test, index, label: 7, cluster }
    }

    fn export(folder: &Path, names: &[&str]) -> Result<()> {
        let mut work = ProjectorDir::new(folder).begin()?;
        let images = work.add_images(b"png", 28, 30).unwrap();
        let values = [0.1_f32, -2.0, 3e-9, 0.0];
        let points = [point(0, Some((3, Some(1)))), point(1, Some((11, None)))];
        for name in names {
            work.add_points(name, values.chunks(2), 2, &points, Some(&images)).unwrap();
        }
        work.commit()
    }

    fn read(folder: &Path, name: &str) -> String {
        fs::read_to_string(folder.join(name)).unwrap()
    }

    #[test]
    fn an_export_is_what_the_projector_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("projector");
        export(&path, &["cae-32@k20"]).unwrap();
        insta::assert_snapshot!(read(&path, CONFIG), @r##"
        # An export of run-report: the next one to this folder replaces all of it.
        embeddings {
          tensor_name: "cae-32@k20"
          tensor_shape: 2
          tensor_shape: 2
          tensor_path: "cae-32@k20/tensors.tsv"
          metadata_path: "cae-32@k20/metadata.tsv"
          sprite {
            image_path: "sprite.png"
            single_image_dim: 30
            single_image_dim: 28
          }
        }
        "##);
        assert_eq!(read(&path, "cae-32@k20/tensors.tsv"), "0.1\t-2\n0.000000003\t0\n");
        let metadata = "split\tindex\tlabel\tcluster\tname\ntest\t0\t7\t3\t1\ntest\t1\t7\t11\tnone\n";
        assert_eq!(read(&path, "cae-32@k20/metadata.tsv"), metadata);
        assert_eq!(read(&path, "sprite.png"), "png");
        assert!(ProjectorDir::new(&path).holds_export() && !ProjectorDir::new(folder.path()).holds_export());
    }

    #[test]
    fn there_is_only_what_the_run_has() {
        let folder = tempfile::tempdir().unwrap();
        let mut work = ProjectorDir::new(folder.path()).begin().unwrap();
        work.add_points("run", [1.5_f32].chunks(1), 1, &[point(4, None)], None).unwrap();
        work.commit().unwrap();
        assert_eq!(read(folder.path(), "run/metadata.tsv"), "split\tindex\tlabel\ntest\t4\t7\n");
        assert!(!read(folder.path(), CONFIG).contains("sprite"));
    }

    #[test]
    fn names_are_what_addresses_can_hold() {
        let folder = tempfile::tempdir().unwrap();
        export(folder.path(), &["a&b", "a+b", "a/b:0", "..", ".hidden", CONFIG, "sprite.png", "\"é\n"]).unwrap();
        let config = read(folder.path(), CONFIG);
        let names: Vec<&str> = config.lines().filter_map(|line| line.strip_prefix("  tensor_name: ")).collect();
        let expected = ["a-b", "a-b-2", "a-b-0", "unnamed", "hidden", "projector_config.pbtxt-2", "sprite.png-2", "é-"];
        assert_eq!(names, expected.map(|name| format!("\"{name}\"")));
        // All of it is known again.
        export(folder.path(), &["a"]).unwrap();
        assert!(!folder.path().join("a-b").exists());
    }

    #[test]
    fn only_an_earlier_export_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("projector");
        let refused = |expected: &str| {
            let error = export(&path, &["other"]).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("name another folder"), "{error}");
        };
        fs::write(&path, "").unwrap();
        refused("expected a folder, found a file");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join(CONFIG), "embeddings { tensor_path: \"thesis.txt\" }").unwrap();
        refused("found projector_config.pbtxt");
        fs::remove_file(path.join(CONFIG)).unwrap();
        export(&path, &["run"]).unwrap();
        for foreign in ["notes.txt", "run/notes.txt", "events/file"] {
            fs::create_dir_all(path.join(foreign).parent().unwrap()).unwrap();
            fs::write(path.join(foreign), "mine").unwrap();
            refused(&format!("found {}", foreign.trim_end_matches("/file")));
            assert_eq!(read(&path, foreign), "mine");
            fs::remove_file(path.join(foreign)).unwrap();
        }
        // An empty folder is somebody's too.
        refused("found events");
        fs::remove_dir(path.join("events")).unwrap();
        export(&path, &["other"]).unwrap();
        assert!(path.join("other").exists() && !path.join("run").exists());
    }
}
