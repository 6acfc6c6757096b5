//! The version of a data set is the SHA-256 of its file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// SHA-256 of a file's content in lower-case hex, and its length in bytes. Reads in blocks.
///
/// # Errors
/// `Io`.
pub fn version_of(path: impl AsRef<Path>) -> Result<(String, u64)> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let mut file = File::open(path).map_err(|source| Error::io(&name, source))?;
    version_of_reader(&mut file).map_err(|source| Error::io(&name, source))
}

/// The same for anything that can be read, from where it stands to its end.
///
/// # Errors
/// What reading says.
pub fn version_of_reader(reader: &mut impl Read) -> std::io::Result<(String, u64)> {
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok((hex::encode(hash.finalize()), bytes)),
            Ok(count) => {
                hash.update(&block[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answer() {
        // FIPS 180-2, appendix B.1
        let (hash, bytes) = version_of_reader(&mut &b"abc"[..]).unwrap();
        assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(bytes, 3);
        assert!(matches!(version_of("/nonexistent/file"), Err(Error::Io { .. })));
    }
}
