//! Certificates for HTTPS, read anew at every reload.

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Why HTTPS cannot be served with these files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file does not hold what it must.
    #[error("{path}: {what}")]
    Content {
        /// Which.
        path: PathBuf,
        /// What is missing or wrong, without any of it.
        what: String,
    },
    /// The two do not fit, or are of a kind that is not taken.
    #[error("{cert} and {key} cannot be used together: {source}")]
    Pair {
        /// The certificate chain.
        cert: PathBuf,
        /// The private key.
        key: PathBuf,
        /// What the library says.
        source: rustls::Error,
    },
}

/// TLS 1.2 and 1.3 with this certificate, offering HTTP/2 and HTTP/1.1. Nothing of a request is taken before the handshake
/// is done (no early data): it could be sent twice.
pub(crate) fn load(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let pair = |source| TlsError::Pair { cert: cert.to_owned(), key: key.to_owned(), source };
    let (chain, secret) = (certificates(cert)?, private_key(key)?);
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path, false)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(path, &error))?;
    if chain.is_empty() {
        return Err(TlsError::Content { path: path.to_owned(), what: "it holds no certificate".to_owned() });
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path, true)?).map_err(|error| wrong(path, &error))
}

/// What the library says of the file; its own texts can quote it.
fn wrong(path: &Path, error: &pem::Error) -> TlsError {
    let what = match error {
        pem::Error::NoItemsFound => "it holds no private key in PEM",
        _ => "it is not PEM as it must be",
    };
    TlsError::Content { path: path.to_owned(), what: what.to_owned() }
}

fn read(path: &Path, secret: bool) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    if secret && is_open_to_all(&file).map_err(failed)? {
        let what = format!("it can be read by everyone; run chmod o= {}", path.display());
        return Err(TlsError::Content { path: path.to_owned(), what });
    }
    let mut text = Zeroizing::new(Vec::new());
    file.read_to_end(&mut text).map_err(failed)?;
    Ok(text)
}

#[cfg(unix)]
fn is_open_to_all(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn files(cert: &str, key: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("cert"), cert).unwrap();
        fs::write(home.path().join("key"), key).unwrap();
        fs::set_permissions(home.path().join("key"), fs::Permissions::from_mode(0o600)).unwrap();
        home
    }

    fn loaded(home: &Path) -> Result<Arc<ServerConfig>, String> {
        load(&home.join("cert"), &home.join("key")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_certificate_and_its_key_are_taken_and_nothing_else_is() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let home = files(&cert, &key);
        assert!(loaded(home.path()).is_ok());
        for (cert, key, words) in [
            (cert.as_str(), other.signing_key.serialize_pem().as_str(), "cannot be used together"),
            ("", &key, "it holds no certificate"),
            (&key, &key, "it holds no certificate"),
            (&cert, "", "it holds no private key"),
            (&cert, &cert, "it holds no private key"),
            (&cert, "-----BEGIN PRIVATE KEY-----\nnonsense\n", "not PEM"),
        ] {
            let error = loaded(files(cert, key).path()).unwrap_err();
            assert!(error.contains(words), "{error}");
            assert!(!error.contains("nonsense"), "none of it is shown: {error}");
        }
        fs::set_permissions(home.path().join("key"), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(loaded(home.path()).unwrap_err().contains("chmod o="));
        fs::remove_file(home.path().join("cert")).unwrap();
        assert!(loaded(home.path()).unwrap_err().contains("cert: No such file"));
    }
}
