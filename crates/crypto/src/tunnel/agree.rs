//! Agreeing on a secret with keys made for one connection.

use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use aws_lc_rs::rand::SystemRandom;
use sm2::elliptic_curve::Generate;
use sm2::elliptic_curve::point::AffineCoordinates;
use sm2::elliptic_curve::sec1::ToSec1Point;
use zeroize::Zeroizing;

use super::{TunnelError, TunnelSuite};

/// What two sides agreed on; wiped when dropped.
pub type Secret = Zeroizing<[u8; 32]>;

/// One side's key of one connection. It agrees once and is gone.
pub struct Ephemeral {
    secret: Own,
    share: Vec<u8>,
}

enum Own {
    X25519(EphemeralPrivateKey),
    Sm2(sm2::SecretKey),
}

impl Ephemeral {
    /// A fresh key.
    ///
    /// # Panics
    /// When the operating system gives no randomness.
    pub fn generate(suite: TunnelSuite) -> Self {
        match suite {
            TunnelSuite::International => {
                let secret = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new())
                    .expect("the operating system gives no randomness");
                let share = secret.compute_public_key().expect("an X25519 key has a public half");
                Self { share: share.as_ref().to_vec(), secret: Own::X25519(secret) }
            }
            TunnelSuite::Domestic => {
                let secret = sm2::SecretKey::generate();
                let share = secret.public_key().as_affine().to_sec1_point(false).as_bytes().to_vec();
                Self { share, secret: Own::Sm2(secret) }
            }
        }
    }

    /// What the other side is told: [`TunnelSuite::share_len`] bytes.
    pub fn share(&self) -> &[u8] {
        &self.share
    }

    /// The secret agreed with whoever told us `share`: for both suites 32 bytes, the x coordinate.
    ///
    /// # Errors
    /// [`TunnelError::BadShare`].
    pub fn agree(self, share: &[u8]) -> Result<Secret, TunnelError> {
        let mut agreed = Zeroizing::new([0; 32]);
        match self.secret {
            Own::X25519(secret) => {
                // Refuses points of small order, whose product everybody knows.
                let peer = UnparsedPublicKey::new(&X25519, share);
                agree_ephemeral(secret, peer, TunnelError::BadShare, |product| {
                    agreed.copy_from_slice(product);
                    Ok(())
                })?;
            }
            Own::Sm2(secret) => {
                if share.len() != TunnelSuite::Domestic.share_len() || share[0] != 4 {
                    return Err(TunnelError::BadShare);
                }
                let peer = sm2::PublicKey::from_sec1_bytes(share).map_err(|_| TunnelError::BadShare)?;
                // The group's order is prime: any point on the curve but the identity is good.
                let product = (peer.to_projective() * *secret.to_nonzero_scalar()).to_affine();
                agreed.copy_from_slice(&product.x());
            }
        }
        Ok(agreed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree_and_bad_shares_are_refused() {
        for suite in [TunnelSuite::International, TunnelSuite::Domestic] {
            let (here, there) = (Ephemeral::generate(suite), Ephemeral::generate(suite));
            let (share, other) = (here.share().to_vec(), there.share().to_vec());
            assert_eq!((share.len(), other.len()), (suite.share_len(), suite.share_len()));
            assert_eq!(*here.agree(&other).expect("good"), *there.agree(&share).expect("good"), "{suite:?}");
            let mut off_curve = share.clone();
            off_curve[suite.share_len() - 1] ^= 1;
            let bad = match suite {
                // The point of order one.
                TunnelSuite::International => vec![vec![0; 32], share[1..].to_vec()],
                TunnelSuite::Domestic => {
                    let compressed = [&[2], &share[1..33]].concat();
                    vec![off_curve, vec![0], share[1..].to_vec(), compressed]
                }
            };
            for bad in bad {
                let refused = Ephemeral::generate(suite).agree(&bad).map(|agreed| *agreed);
                assert_eq!(refused, Err(TunnelError::BadShare), "{suite:?} {bad:?}");
            }
        }
    }
}
