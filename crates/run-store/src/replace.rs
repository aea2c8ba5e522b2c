//! Files replaced in one step: whatever interrupts it, what was there before stays whole. And what this takes, with folders too.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Result, StoreError};
use crate::layout::file;
use crate::lock::is_at;
use crate::opened::{Links, unwaiting};

/// How the names of what is not yet in its place end.
pub(crate) const PARTIAL: &str = "partial";

/// Replaces the file at `path` in one step by what `write` writes.
///
/// # Errors
/// There is something else than a file, such as a device; or a stage's folder is around it, whose files are the stage's alone;
/// `write` fails; or the disk refuses. What was there before then remains.
pub fn replace_file(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    check_replaceable(path)?;
    drop_abandoned(path);
    let partial = partial_file(path);
    let named = |error| match error {
        StoreError::Io { action, path: failed, source } if failed == partial => {
            StoreError::Io { action, path: path.to_owned(), source }
        }
        StoreError::Invalid { path: failed, problem, advice } if failed == partial => {
            StoreError::Invalid { path: path.to_owned(), problem, advice }
        }
        other => other,
    };
    // Held until the end: so others can tell it from one that a kill left.
    let lock = locked_file(&partial).map_err(named)?;
    let written = write(&partial)
        .and_then(|()| sync(&partial))
        .and_then(|()| fs::rename(&partial, path).map_err(StoreError::io("write", path)));
    if written.is_err() {
        // The first failure is what matters.
        let _ = fs::remove_file(&partial);
    }
    drop(lock);
    written.map_err(named)
}

/// Checks that whoever says that the file at `path` is to be replaced can have meant it.
fn check_replaceable(path: &Path) -> Result<()> {
    const ADVICE: &str = "name another file to write";
    // Of a link, what it leads to: /dev/stdout is one.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let problem = "expected a file to replace, or nothing, found a folder, a device or a pipe";
        return Err(StoreError::invalid(path, problem, ADVICE));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    // A checkpoint is a folder among others in one of a stage's.
    let of_checkpoint = folder.parent().filter(|folder| folder.ends_with(file::CHECKPOINT)).and_then(Path::parent);
    let result =
        [Some(folder), of_checkpoint].into_iter().flatten().find(|folder| folder.join(file::MANIFEST).exists());
    if let Some(folder) = result {
        let problem = format!("expected a place of your own, found the result of a stage, {}", folder.display());
        return Err(StoreError::invalid(path, problem, ADVICE));
    }
    Ok(())
}

/// Where this process writes what is to stand at `path`: two at once do not write one file. Where two systems share a folder they may
/// have processes of one number, which chance tells apart.
fn partial_file(path: &Path) -> PathBuf {
    let chance = RandomState::new().build_hasher().finish();
    hidden(path, &format!("{}-{chance:016x}.{PARTIAL}", std::process::id()))
}

/// Makes the file at `partial`, and locks it. What stands there, as a link that would have another file written to, is left alone.
fn locked_file(partial: &Path) -> Result<File> {
    loop {
        let file = File::create_new(partial).map_err(StoreError::io("create", partial))?;
        if let Err(source) = file.lock() {
            // Nobody else could tell it from one at work, and clear it.
            let _ = fs::remove_file(partial);
            return Err(StoreError::Io { action: "lock", path: partial.to_owned(), source });
        }
        // Before it was locked, another may have taken it for one that a kill left.
        if is_at(&file, partial) {
            return Ok(file);
        }
    }
}

/// Removes what killed processes left of their attempts to replace `path`. What cannot be removed does no harm.
fn drop_abandoned(path: &Path) {
    let prefix = hidden(path, "");
    let prefix = prefix.file_name().unwrap_or_default().to_string_lossy();
    let is_attempt = |name: &str| {
        let attempt = name.strip_prefix(&*prefix).and_then(|rest| rest.strip_suffix(PARTIAL)?.strip_suffix('.'));
        // Earlier versions named the process alone.
        let (process, chance) = attempt.map_or(("", "0"), |attempt| attempt.split_once('-').unwrap_or((attempt, "0")));
        process.parse::<u32>().is_ok() && u64::from_str_radix(chance, 16).is_ok()
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_attempt)
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            // Over a network a lock of one's own needs a file that is open for writing.
            && let Ok(file) = unwaiting(Links::Refused).write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A hidden place beside `path`.
pub(crate) fn hidden(path: &Path, purpose: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{purpose}"));
    path.with_file_name(name)
}

/// Flushes the file or folder at `path` to disk. Some shared file systems flush no folders, and say so.
pub(crate) fn sync(path: &Path) -> Result<()> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Err(error) if is_folder(path) && flushes_no_folders(&error) => Ok(()),
        outcome => outcome.map_err(StoreError::io("flush", path)),
    }
}

#[cfg(unix)]
fn flushes_no_folders(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let refusals = [Errno::INVAL, Errno::BADF, Errno::OPNOTSUPP];
    error.raw_os_error().is_some_and(|code| refusals.iter().any(|refusal| refusal.raw_os_error() == code))
}

#[cfg(not(unix))]
fn flushes_no_folders(_error: &std::io::Error) -> bool {
    true
}

/// Whether there is a folder itself at `path`, and no link to one.
pub(crate) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Removes the folder at `path` with all that is in it, or the file or link that is there in its place. What links lead to stays.
pub(crate) fn remove_folder(path: &Path) -> Result<()> {
    let removed = if is_folder(path) { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Moves the folder `partial` to `path`; an earlier folder there ends up at `partial`, or at `previous` where the system cannot swap
/// two folders.
pub(crate) fn put_in_place(partial: &Path, path: &Path, previous: &Path) -> Result<()> {
    if !path.exists() {
        return fs::rename(partial, path).map_err(StoreError::io("create", path));
    }
    if exchange(partial, path).map_err(StoreError::io("replace", path))? {
        return Ok(());
    }
    remove_folder(previous)?;
    fs::rename(path, previous).map_err(StoreError::io("replace", path))?;
    if let Err(source) = fs::rename(partial, path) {
        // The earlier folder takes its place again.
        let _ = fs::rename(previous, path);
        return Err(StoreError::Io { action: "replace", path: path.to_owned(), source });
    }
    Ok(())
}

/// Swaps two folders in one step. False where the system or the file system cannot.
#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> std::io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(_one: &Path, _other: &Path) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// What lies in `folder`, in order.
    pub(crate) fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_and_what_a_kill_left_of_another_attempt_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.md");
        let write = |text: &'static str| {
            replace_file(&path, |partial| fs::write(partial, text).map_err(StoreError::io("write", partial))).unwrap();
        };
        fs::write(hidden(&path, "4000000.partial"), "half").unwrap();
        fs::write(hidden(&path, "4000000-00ab.partial"), "half").unwrap();
        // Of another file, and of someone who is still at work.
        fs::write(hidden(&path, "of-mine.partial"), "").unwrap();
        let at_work = locked_file(&hidden(&path, "4000001.partial")).unwrap();
        ["a", "b"].into_iter().for_each(write);
        assert_eq!(fs::read_to_string(&path).unwrap(), "b");
        assert_eq!(names(folder.path()), [".out.md.4000001.partial", ".out.md.of-mine.partial", "out.md"]);
        drop(at_work);
        write("c");
        assert_eq!(names(folder.path()), [".out.md.of-mine.partial", "out.md"]);
    }

    #[test]
    fn what_was_wrong_is_said_of_the_file_that_was_meant() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.md");
        for fail in [
            |partial: &Path| Err(StoreError::invalid(partial, "found too much", "write less")),
            |partial: &Path| fs::create_dir(partial).map_err(StoreError::io("write", partial)),
        ] {
            let error = replace_file(&path, fail).unwrap_err().to_string();
            assert!(error.contains(&*path.to_string_lossy()) && !error.contains(PARTIAL), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_files_of_ones_own_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| replace_file(path, |_| panic!("written")).unwrap_err().to_string();
        let (socket, link) = (folder.path().join("socket"), folder.path().join("link"));
        // It stands for a device, which no test should risk.
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::os::unix::fs::symlink(&socket, &link).unwrap();
        for path in [&socket, &link, folder.path()] {
            assert!(refused(path).contains("found a folder, a device or a pipe"));
        }
        let result = folder.path().join("stage");
        fs::create_dir(&result).unwrap();
        fs::write(result.join(file::MANIFEST), "").unwrap();
        for name in ["weights", file::MANIFEST] {
            assert!(refused(&result.join(name)).contains("found the result of a stage"));
        }
        assert_eq!(names(&result), [file::MANIFEST]);
    }
}
