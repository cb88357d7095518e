//! Certificates for HTTPS, read again at every reload.

use super::certificate::{Certificate, belongs_to};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
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

/// HTTPS with a certificate, and what is known of that.
#[derive(Clone, Debug)]
pub(crate) struct Https {
    pub(crate) config: Arc<ServerConfig>,
    /// `None`: its dates cannot be read.
    pub(crate) certificate: Option<Certificate>,
}

/// TLS 1.2 and 1.3 with this certificate, offering HTTP/2 and HTTP/1.1. Nothing of a request is taken before the handshake
/// is done (no early data): it could be sent twice.
pub(crate) fn load(cert: &Path, key: &Path) -> Result<Https, TlsError> {
    let (chain, secret) = (certificates(cert)?, private_key(key)?);
    let certificate = Certificate::of(&chain);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let pair = |source| TlsError::Pair { cert: cert.to_owned(), key: key.to_owned(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain.clone(), secret.clone_key())
        .map_err(|error| refused((cert, &chain), (key, &secret), &provider).unwrap_or_else(|| pair(error)))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Https { config: Arc::new(config), certificate })
}

/// Why the two are not taken together, where there is more to say than the library does.
fn refused(
    (cert, chain): (&Path, &[CertificateDer<'static>]),
    (key, secret): (&Path, &PrivateKeyDer<'static>),
    provider: &CryptoProvider,
) -> Option<TlsError> {
    if provider.key_provider.load_private_key(secret.clone_key()).is_err() {
        let what = "a private key of this kind is not served: use RSA of 2048 bits or more, ECDSA on P-256, P-384 or P-521, or Ed25519";
        return Some(content(key, what));
    }
    let number = belongs_to(chain, secret, provider)?;
    let what = format!(
        "the server's own certificate must come first, and the ones that issued it behind it in this order; the key belongs to \
         certificate {number} of the file"
    );
    Some(content(cert, what))
}

fn content(path: &Path, what: impl Into<String>) -> TlsError {
    TlsError::Content { path: path.to_owned(), what: what.into() }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path, false)?;
    if let Some(line) = hidden_section(without_mark(&text)) {
        let what = format!(
            "something stands before -----BEGIN on line {line}, so what begins there would be left out"
        );
        return Err(content(path, what));
    }
    let chain: Vec<_> = CertificateDer::pem_slice_iter(without_mark(&text))
        .collect::<Result<_, _>>()
        .map_err(|error| wrong(path, &error))?;
    if chain.is_empty() {
        return Err(content(path, "it holds no certificate in PEM"));
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path, true)?;
    if is_encrypted(&text) {
        let what = "the private key is protected by a password, which Keyward does not ask for: openssl pkey -in FILE -out OTHER writes \
                    it without, for a file that the server alone can read";
        return Err(content(path, what));
    }
    PrivateKeyDer::from_pem_slice(without_mark(&text)).map_err(|error| wrong(path, &error))
}

/// The text without the byte order mark of some editors, which would hide the first section.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// The line, counted from 1, of a section that is not seen: its first line must begin with the mark.
fn hidden_section(text: &[u8]) -> Option<usize> {
    const MARK: &[u8] = b"-----BEGIN ";
    let hidden = |line: &[u8]| !line.starts_with(MARK) && line.windows(MARK.len()).any(|part| part == MARK);
    text.split(|byte| *byte == b'\n').position(hidden).map(|index| index + 1)
}

/// Whether a key is encrypted: as PKCS #8, or in the traditional way (RFC 1421 §4.6.1.1).
fn is_encrypted(text: &[u8]) -> bool {
    let holds = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
    holds(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || holds(b"Proc-Type: 4,ENCRYPTED")
}

/// What the library says of the file; its own texts can quote it.
fn wrong(path: &Path, error: &pem::Error) -> TlsError {
    let what = match error {
        pem::Error::NoItemsFound => "it holds no private key in PEM",
        _ => "it is not PEM as it must be",
    };
    content(path, what)
}

fn read(path: &Path, secret: bool) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    if secret && is_open_to_all(&file).map_err(failed)? {
        let what = format!("it can be read by everyone; run chmod o= {}", path.display());
        return Err(content(path, what));
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

    fn loaded(home: &Path) -> Result<Https, String> {
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

    #[test]
    fn what_people_have_in_their_files_is_taken_or_named() {
        let (made, issuer) = (
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap(),
            rcgen::generate_simple_self_signed(vec!["issuer".to_owned()]).unwrap(),
        );
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let chain = |first: &str, second: &str| format!("{first}{second}");
        let marked = format!("\u{feff}{}", chain(&cert, &issuer.cert.pem()));
        assert!(loaded(files(&marked, &format!("\u{feff}{key}")).path()).is_ok(), "a byte order mark");
        let both = format!("{key}{cert}");
        let home = files(&both, &both);
        assert!(loaded(home.path()).is_ok(), "one file for both");
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let traditional = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        for (cert, key, words) in [
            (cert.as_str(), encrypted.as_str(), "protected by a password"),
            (&cert, traditional, "protected by a password"),
            (&chain(&issuer.cert.pem(), &cert), &key, "must come first"),
            (&chain(&issuer.cert.pem(), &cert), &key, "belongs to certificate 2 of the file"),
            (&issuer.cert.pem(), &key, "cannot be used together"),
            (
                &chain(&cert, &format!(" {}", issuer.cert.pem())),
                &key,
                "something stands before -----BEGIN on line",
            ),
            (
                &cert,
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "of this kind is not served",
            ),
        ] {
            let error = loaded(files(cert, key).path()).unwrap_err();
            assert!(error.contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn a_chain_out_of_order_is_served_and_known() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let mut other = rcgen::CertificateParams::new(vec!["other".to_owned()]).unwrap();
        other.distinguished_name.push(rcgen::DnType::CommonName, "another name");
        let other = other.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
        let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let in_order =
            |text: &str| loaded(files(text, &key).path()).unwrap().certificate.unwrap().is_in_order();
        assert!(in_order(&cert));
        assert!(in_order(&format!("{cert}{cert}")), "it names itself as its issuer");
        assert!(!in_order(&format!("{cert}{other}")));
    }
}
