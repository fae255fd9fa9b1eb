//! A twin in a file: what was read from production, to be planned with elsewhere, in CI for example.

use std::fs::{OpenOptions, Permissions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

use super::data::TwinData;
use crate::failure::{Failure, Result};
use crate::files;

/// The first line; gzip follows, whose checksum tells a damaged file.
const HEAD: &str = "pgtend twin 1\n";

/// So large a twin of a hundred thousand tables is not.
const MOST_BYTES: u64 = 4 << 30;

/// Writes it, for its owner's eyes alone: statistics hold values of the data.
///
/// # Errors
/// `Io` where the file cannot be written.
pub fn save(data: &TwinData, path: &Path) -> Result<()> {
    let write = || -> std::io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut new = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        new.write_all(HEAD.as_bytes())?;
        let mut packed = GzEncoder::new(BufWriter::new(&mut new), Compression::default());
        serde_json::to_writer(&mut packed, data)?;
        packed.finish()?.flush()?;
        new.as_file().sync_all()?;
        new.persist(path)?;
        Ok(())
    };
    write().map_err(|error| files::not_written(path, &error))
}

/// Reads one.
///
/// # Errors
/// `Usage` where the file cannot be read, is none of pgtend's, or is damaged.
pub fn load(path: &Path) -> Result<TwinData> {
    let refused = |why: &str| Failure::usage(format!("{}: {why}", path.display()));
    let file = OpenOptions::new()
        .read(true)
        .open(path)
        .map_err(|error| refused(&error.to_string()))?;
    let mut file = BufReader::new(file);
    let mut head = String::new();
    let read = (&mut file).take(64).read_line(&mut head);
    match read {
        Ok(_) if head == HEAD => {}
        Ok(_) if head.starts_with("pgtend twin ") => {
            return Err(refused("it was written by another version of pgtend")
                .hint("save it again, with this version"));
        }
        _ => return Err(refused("this is no file of --save-twin")),
    }
    let mut text = Vec::new();
    GzDecoder::new(file)
        .take(MOST_BYTES)
        .read_to_end(&mut text)
        .map_err(|error| refused(&format!("it is damaged: {error}")))?;
    serde_json::from_slice(&text).map_err(|error| refused(&format!("it is damaged: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_read_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("twin");
        let data = TwinData { unknown: vec!["x".repeat(1_000)], ..TwinData::default() };
        save(&data, &path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(load(&path).unwrap().unknown, data.unknown);
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0xff;
        std::fs::write(&path, &bytes).unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("damaged"));
        std::fs::write(&path, "no").unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("no file of --save-twin"));
    }
}
