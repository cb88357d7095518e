//! RSA keys of a broken generator (CVE-2017-15361, "ROCA"): their primes are powers of 65537 modulo many small primes, so they
//! can be factored, and they can be told by their modulus alone.

/// Small primes whose residues tell.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the modulus, big-endian, is a power of 65537 modulo every one of the small primes. A sound key is that with a
/// chance of less than 2^-27.
pub(super) fn is_suspect(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| {
        let residue = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        is_power(residue, *prime)
    })
}

fn is_power(residue: u32, prime: u32) -> bool {
    let generator = 65537 % prime;
    let mut power = 1;
    for _ in 0..prime {
        if power == residue {
            return true;
        }
        power = power * generator % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_65537_are_suspect_and_others_are_not() {
        // 65537^k is one for every prime.
        let mut number: u128 = 1;
        for _ in 0..7 {
            number *= 65537;
            assert!(is_suspect(&number.to_be_bytes()), "{number}");
        }
        for sound in [3_u128, 65_539, (1 << 127) - 1, 0xdead_beef_cafe_f00d_1234_5678_9abc_def1] {
            assert!(!is_suspect(&sound.to_be_bytes()), "{sound}");
        }
    }
}
