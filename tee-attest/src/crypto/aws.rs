//! AWS-LC.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, UnparsedPublicKey, VerificationAlgorithm,
};

use super::{Form, Provider, Scheme};

/// Signature checks by AWS-LC: assembly for P-256, P-384 and RSA.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl Provider for AwsLc {
    fn name(&self) -> &'static str {
        "aws-lc"
    }

    fn verify(&self, scheme: Scheme, form: Form, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match (scheme, form) {
            (Scheme::P256Sha256, Form::Fixed) => &ECDSA_P256_SHA256_FIXED,
            (Scheme::P256Sha256, Form::Der) => &ECDSA_P256_SHA256_ASN1,
            (Scheme::P384Sha384, Form::Fixed) => &ECDSA_P384_SHA384_FIXED,
            (Scheme::P384Sha384, Form::Der) => &ECDSA_P384_SHA384_ASN1,
            (Scheme::RsaPkcs1Sha256, _) => &RSA_PKCS1_2048_8192_SHA256,
            (Scheme::RsaPssSha256, _) => &RSA_PSS_2048_8192_SHA256,
            (Scheme::RsaPssSha384, _) => &RSA_PSS_2048_8192_SHA384,
        };
        UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
    }
}
