//! What a certificate chain says: from when to when its first certificate holds, and whether each one was issued by the next.

use keyward_core::clock::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// A certificate that ends so soon is warned of, in seconds: what renews certificates by itself has done so long before.
const SOON: i64 = 14 * 86_400;

/// The server's own certificate, the first of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    not_before: Timestamp,
    not_after: Timestamp,
    in_order: bool,
}

/// How a certificate stands at a moment. Each has what a reader must know beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    /// No client has a reason to refuse it for its dates.
    Good,
    /// It holds from then on: clients refuse it.
    NotYet(Timestamp),
    /// It ends soon, then.
    Ends(Timestamp),
    /// It has ended then: clients refuse it.
    Expired(Timestamp),
}

impl Certificate {
    /// Of a chain whose certificates can be read; `None`: the first one's dates are not known.
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let read = |der| X509Certificate::from_der(der).map(|(_, certificate)| certificate).ok();
        let all: Vec<X509Certificate<'_>> = chain.iter().map_while(|der| read(der)).collect();
        let validity = all.first()?.validity();
        let follows = |pair: &[X509Certificate<'_>]| match pair {
            [one, next] => one.issuer().as_raw() == next.subject().as_raw(),
            // Absent: a window is of two.
            _ => true,
        };
        Some(Self {
            not_before: Timestamp::from_unix(validity.not_before.timestamp()),
            not_after: Timestamp::from_unix(validity.not_after.timestamp()),
            in_order: all.windows(2).all(follows),
        })
    }

    /// When it ends.
    pub(crate) const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether each certificate of the chain was issued by the one behind it.
    pub(crate) const fn is_in_order(&self) -> bool {
        self.in_order
    }

    /// How it stands at this moment.
    pub(crate) fn validity(&self, now: Timestamp) -> Validity {
        let (from, to) = (self.not_before.unix(), self.not_after.unix());
        match now.unix() {
            now if now < from => Validity::NotYet(self.not_before),
            now if now > to => Validity::Expired(self.not_after),
            // One of a few days is renewed in the second half of its life.
            now if to.saturating_sub(now) < SOON.min(to.saturating_sub(from) / 4) => {
                Validity::Ends(self.not_after)
            }
            _ => Validity::Good,
        }
    }
}

impl Validity {
    /// Whether clients refuse the certificate.
    pub(crate) const fn is_refused(self) -> bool {
        matches!(self, Self::NotYet(_) | Self::Expired(_))
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("the certificate is valid"),
            Self::NotYet(from) => write!(
                f,
                "the certificate is not yet valid: it begins {from}, and clients refuse it until then"
            ),
            Self::Ends(to) => {
                write!(f, "the certificate expires soon, {to}: renew it, and send the server SIGHUP")
            }
            Self::Expired(to) => {
                write!(
                    f,
                    "the certificate expired {to}, and clients refuse it: renew it, and send the server SIGHUP"
                )
            }
        }
    }
}

/// Which certificate of the chain the key belongs to, if it is not the first: counted from 1.
pub(super) fn belongs_to(
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Option<usize> {
    // Absent: a key that is not taken belongs to none.
    let key = provider.key_provider.load_private_key(key.clone_key()).ok()?;
    let fits = |one: &CertificateDer<'static>| {
        CertifiedKey::new(vec![one.clone()], key.clone()).keys_match().is_ok()
    };
    chain.iter().skip(1).position(fits).map(|index| index + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(days: (i64, i64)) -> Certificate {
        let at = |day: i64| Timestamp::from_unix(day * 86_400);
        Certificate { not_before: at(days.0), not_after: at(days.1), in_order: true }
    }

    #[test]
    fn a_certificate_is_warned_of_before_its_end_and_refused_outside_its_dates() {
        let at = |day: i64| Timestamp::from_unix(day * 86_400);
        let of_90 = certificate((1000, 1090));
        for (day, validity) in [
            (999, Validity::NotYet(at(1000))),
            (1000, Validity::Good),
            (1075, Validity::Good),
            (1077, Validity::Ends(at(1090))),
            (1090, Validity::Ends(at(1090))),
            (1091, Validity::Expired(at(1090))),
        ] {
            assert_eq!(of_90.validity(at(day)), validity, "day {day}");
            assert_eq!(validity.is_refused(), !(1000..=1090).contains(&day));
        }
        let of_6 = certificate((1000, 1006));
        assert_eq!(of_6.validity(at(1004)), Validity::Good, "six days are not always soon");
        assert_eq!(of_6.validity(at(1005)), Validity::Ends(at(1006)));
        assert!(Validity::Expired(at(0)).to_string().contains("expired 1970-01-01T00:00:00Z"));
        assert!(Validity::NotYet(at(0)).to_string().contains("not yet valid"));
    }

    #[test]
    fn a_chain_is_read_as_far_as_it_can_be() {
        assert_eq!(Certificate::of(&[]), None);
        assert_eq!(Certificate::of(&[CertificateDer::from(vec![1, 2, 3])]), None);
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let read = Certificate::of(&[made.cert.der().clone()]).unwrap();
        assert!(read.is_in_order() && read.not_before < read.not_after);
    }
}
