//! A key in a token: found by its name, described, and used.

use crate::der;
use crate::failure::Failure;
use crate::protocol::{Algorithm, Hash, Request};
use crate::uri::{self, Uri};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use std::fs::File;
use std::io::Read as _;

/// Looks up a variable.
type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The longest PIN that is read from a file.
const MAX_PIN: u64 = 4096;

/// A token with somebody logged in.
pub(crate) struct Token {
    session: Session,
    uri: Uri,
    // The library must outlive its sessions.
    _library: Pkcs11,
}

/// A private key.
pub(crate) struct Key {
    handle: ObjectHandle,
    pub(crate) kind: Kind,
    /// The `SubjectPublicKeyInfo`.
    pub(crate) public: Vec<u8>,
    /// Its certificate, where the token has one.
    pub(crate) certificates: Vec<Vec<u8>>,
}

/// What kind of key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ec { bits: usize },
    Rsa { bits: usize },
}

/// The identifiers of the curves, as PKCS#11 gives them.
const CURVES: [(&[u8], usize); 3] = [
    (&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], 256),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22], 384),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], 521),
];

/// What is asked of a key.
const WHICH: [AttributeType; 7] = [
    AttributeType::KeyType,
    AttributeType::Id,
    AttributeType::Label,
    AttributeType::EcParams,
    AttributeType::EcPoint,
    AttributeType::Modulus,
    AttributeType::PublicExponent,
];

impl Token {
    /// Loads the library and logs in to the token that the request names.
    pub(crate) fn open(request: &Request, variable: Variables<'_>) -> Result<Self, Failure> {
        let uri = uri::parse(&request.key_id).map_err(Failure::validation)?;
        let option = |name: &str| request.plugin_config.get(name).cloned();
        let module = uri
            .module
            .clone()
            .or_else(|| option("module-path"))
            .or_else(|| variable("ASSAY_PKCS11_MODULE"))
            .or_else(|| variable("COSIGN_PKCS11_MODULE_PATH"))
            .ok_or_else(|| {
                Failure::validation(
                    "nothing says which library: set `ASSAY_PKCS11_MODULE`, or add `?module-path=…`",
                )
            })?;
        let library =
            Pkcs11::new(&module).map_err(|error| Failure::library(&format!("load `{module}`"), &error))?;
        library
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .map_err(|error| Failure::library("start the library", &error))?;
        let slot = slot(&library, &uri)?;
        let session =
            library.open_ro_session(slot).map_err(|error| Failure::library("open the token", &error))?;
        let pin = pin(&uri, variable)?.or_else(|| option("pin"));
        match session.login(UserType::User, pin.map(AuthPin::from).as_ref()) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(Error::Pkcs11(RvError::PinIncorrect, _)) => {
                return Err(Failure::denied("the PIN is wrong; the token locks itself after some attempts"));
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => return Err(Failure::denied("the PIN is locked")),
            Err(error) => {
                return Err(Failure::denied(format!(
                    "cannot log in to the token: {error}; set `ASSAY_PKCS11_PIN`"
                )));
            }
        }
        Ok(Self { session, uri, _library: library })
    }

    fn find(&self, class: ObjectClass) -> Result<Vec<ObjectHandle>, Failure> {
        let mut template = vec![Attribute::Class(class)];
        template.extend(self.uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
        template.extend(self.uri.id.clone().map(Attribute::Id));
        self.session.find_objects(&template).map_err(|error| Failure::library("look for the key", &error))
    }

    fn attributes(&self, of: ObjectHandle, which: &[AttributeType]) -> Vec<Attribute> {
        // What a token does not tell is asked for elsewhere.
        self.session.get_attributes(of, which).unwrap_or_default()
    }

    /// Returns the key that the request names.
    pub(crate) fn key(&self) -> Result<Key, Failure> {
        let handle = match self.find(ObjectClass::PRIVATE_KEY)?.as_slice() {
            [one] => *one,
            [] => return Err(Failure::validation("the token has no private key of that name")),
            _ => {
                return Err(Failure::validation(
                    "the token has several private keys of that name; add `id=…`",
                ));
            }
        };
        let own = self.attributes(handle, &WHICH);
        let mark = mark(&own).ok_or_else(|| {
            Failure::validation(
                "the key has neither an identifier nor a label; give it one with `pkcs11-tool --set-id`",
            )
        })?;
        // Elliptic points mostly stand in the public key only, which bears the same mark.
        let template = [Attribute::Class(ObjectClass::PUBLIC_KEY), mark.clone()];
        let found = self.session.find_objects(&template).unwrap_or_default();
        let publics: Vec<_> = found.into_iter().map(|handle| self.attributes(handle, &WHICH)).collect();
        let (kind, public) = told(&own, &publics)?;
        let certificates = self.certificate(mark, &public);
        Ok(Key { handle, kind, public, certificates })
    }

    /// Returns the certificate that bears the same mark and holds the same key.
    fn certificate(&self, mark: Attribute, public: &[u8]) -> Vec<Vec<u8>> {
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(CertificateType::X_509),
            mark,
        ];
        let found = self.session.find_objects(&template).unwrap_or_default();
        let values = found.into_iter().flat_map(|handle| self.attributes(handle, &[AttributeType::Value]));
        values
            .filter_map(|one| if let Attribute::Value(der) = one { Some(der) } else { None })
            .find(|der| der.windows(public.len()).any(|part| part == public))
            .into_iter()
            .collect()
    }

    /// Signs a hash.
    pub(crate) fn sign(&self, key: &Key, algorithm: &Algorithm, digest: &[u8]) -> Result<Vec<u8>, Failure> {
        let done = match algorithm {
            // Tokens hash by ECDSA of some hashes at best; every one signs a hash.
            Algorithm::Ecdsa(_) => self.session.sign(&Mechanism::Ecdsa, key.handle, digest),
            Algorithm::Pss(hash) => {
                let params = PkcsPssParams {
                    hash_alg: mechanism(*hash),
                    mgf: match hash {
                        Hash::Sha256 => PkcsMgfType::MGF1_SHA256,
                        Hash::Sha384 => PkcsMgfType::MGF1_SHA384,
                        Hash::Sha512 => PkcsMgfType::MGF1_SHA512,
                    },
                    s_len: match hash {
                        Hash::Sha256 => 32_u64,
                        Hash::Sha384 => 48,
                        Hash::Sha512 => 64,
                    }
                    .into(),
                };
                self.session.sign(&Mechanism::RsaPkcsPss(params), key.handle, digest)
            }
            Algorithm::Pkcs1(hash) => {
                let padded = [prefix(*hash), digest].concat();
                self.session.sign(&Mechanism::RsaPkcs, key.handle, &padded)
            }
        };
        done.map_err(|error| Failure::library("sign", &error))
    }
}

fn slot(library: &Pkcs11, uri: &Uri) -> Result<Slot, Failure> {
    let slots =
        library.get_slots_with_token().map_err(|error| Failure::library("list the tokens", &error))?;
    let mut fitting = Vec::new();
    for slot in slots {
        let Ok(info) = library.get_token_info(slot) else { continue };
        let fits = |wanted: &Option<String>, have: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == have.trim_end())
        };
        let at = uri.slot.is_none_or(|wanted| wanted == slot.id());
        if at
            && info.token_initialized()
            && fits(&uri.token, info.label())
            && fits(&uri.serial, info.serial_number())
        {
            fitting.push(slot);
        }
    }
    match fitting.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::validation("there is no such token")),
        _ => Err(Failure::validation("several tokens fit the name of the key; add `token=…` or `serial=…`")),
    }
}

fn pin(uri: &Uri, variable: Variables<'_>) -> Result<Option<String>, Failure> {
    if let Some(source) = &uri.pin_source {
        let path = source.strip_prefix("file:").unwrap_or(source);
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_PIN).read_to_string(&mut text))
            .map_err(|error| Failure::denied(format!("cannot read the PIN in `{path}`: {error}")))?;
        return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()));
    }
    Ok(uri.pin.clone().or_else(|| variable("ASSAY_PKCS11_PIN")).or_else(|| variable("COSIGN_PKCS11_PIN")))
}

/// Returns what the objects of one key have in common: its identifier, or its label where it has none. An empty identifier is none:
/// every other key without one has the same.
fn mark(own: &[Attribute]) -> Option<Attribute> {
    let id = own.iter().find(|one| matches!(one, Attribute::Id(id) if !id.is_empty()));
    id.or_else(|| own.iter().find(|one| matches!(one, Attribute::Label(label) if !label.is_empty()))).cloned()
}

/// Returns the public key of a private one: as that tells it, or as the public keys that may be its own do, which must agree.
fn told(own: &[Attribute], publics: &[Vec<Attribute>]) -> Result<(Kind, Vec<u8>), Failure> {
    let unknown = match public(own) {
        Ok(told) => return Ok(told),
        Err(unknown) => unknown,
    };
    let fits = |other: &&Vec<Attribute>| {
        own.iter().all(|one| match one {
            Attribute::KeyType(_) => other.contains(one),
            Attribute::EcParams(value) | Attribute::Modulus(value) => value.is_empty() || other.contains(one),
            _ => true,
        })
    };
    let mut found: Vec<(Kind, Vec<u8>)> =
        publics.iter().filter(fits).filter_map(|known| public(known).ok()).collect();
    found.dedup();
    match found.len() {
        0 => Err(unknown),
        1 => found.pop().ok_or(unknown),
        _ => Err(Failure::validation(
            "several public keys in the token may be that of this key; give it an identifier of its own with `pkcs11-tool --set-id`",
        )),
    }
}

fn public(known: &[Attribute]) -> Result<(Kind, Vec<u8>), Failure> {
    let find = |pick: fn(&Attribute) -> Option<&Vec<u8>>| {
        known.iter().find_map(pick).filter(|value| !value.is_empty())
    };
    let kind =
        known.iter().find_map(|one| if let Attribute::KeyType(kind) = one { Some(*kind) } else { None });
    let unknown = || Failure::other("the token does not tell the public key");
    if kind == Some(KeyType::EC) {
        let curve = find(|one| if let Attribute::EcParams(value) = one { Some(value) } else { None })
            .ok_or_else(unknown)?;
        let point = find(|one| if let Attribute::EcPoint(value) = one { Some(value) } else { None })
            .ok_or_else(unknown)?;
        let bits = CURVES.iter().find(|(oid, _)| oid == curve).map(|(_, bits)| *bits);
        let bits =
            bits.ok_or_else(|| Failure::validation("only the curves P-256, P-384 and P-521 are used"))?;
        return Ok((Kind::Ec { bits }, der::ec(curve, point).ok_or_else(unknown)?));
    }
    if kind == Some(KeyType::RSA) {
        let modulus = find(|one| if let Attribute::Modulus(value) = one { Some(value) } else { None })
            .ok_or_else(unknown)?;
        let exponent =
            find(|one| if let Attribute::PublicExponent(value) = one { Some(value) } else { None })
                .ok_or_else(unknown)?;
        let bits = modulus.iter().skip_while(|byte| **byte == 0).count() * 8;
        return Ok((Kind::Rsa { bits }, der::rsa(modulus, exponent)));
    }
    Err(Failure::validation("only keys of ECDSA and RSA are used"))
}

fn mechanism(hash: Hash) -> MechanismType {
    match hash {
        Hash::Sha256 => MechanismType::SHA256,
        Hash::Sha384 => MechanismType::SHA384,
        Hash::Sha512 => MechanismType::SHA512,
    }
}

/// The start of `DigestInfo`, which PKCS#1 v1.5 signs (<https://www.rfc-editor.org/rfc/rfc8017#section-9.2>).
fn prefix(hash: Hash) -> &'static [u8] {
    match hash {
        Hash::Sha256 => &[
            0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
            0x00, 0x04, 0x20,
        ],
        Hash::Sha384 => &[
            0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
            0x00, 0x04, 0x30,
        ],
        Hash::Sha512 => &[
            0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05,
            0x00, 0x04, 0x40,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> Attribute {
        Attribute::EcParams(CURVES[0].0.to_vec())
    }

    fn key(id: &[u8], label: &str, point: Option<u8>) -> Vec<Attribute> {
        let mut known = vec![
            Attribute::KeyType(KeyType::EC),
            Attribute::Id(id.to_vec()),
            Attribute::Label(label.as_bytes().to_vec()),
            curve(),
        ];
        known.extend(point.map(|byte| Attribute::EcPoint([&[4][..], &[byte; 64]].concat())));
        known
    }

    fn of(byte: u8) -> Option<(Kind, Vec<u8>)> {
        der::ec(CURVES[0].0, &[&[4][..], &[byte; 64]].concat()).map(|der| (Kind::Ec { bits: 256 }, der))
    }

    #[test]
    fn an_empty_identifier_marks_nothing() {
        let id = Attribute::Id(vec![1]);
        assert_eq!(mark(&key(&[1], "a", None)), Some(id));
        assert_eq!(mark(&key(&[], "a", None)), Some(Attribute::Label(b"a".to_vec())));
        assert_eq!(mark(&key(&[], "", None)), None);
    }

    #[test]
    fn the_public_key_is_the_one_that_belongs_to_the_private_one() {
        let own = key(&[], "a", None);
        assert_eq!(told(&own, &[key(&[], "a", Some(7))]).ok(), of(7));
        assert_eq!(
            told(&key(&[], "a", Some(8)), &[key(&[], "a", Some(7))]).ok(),
            of(8),
            "it tells it itself"
        );
        // The same twice is one; two that differ are none.
        let twice = [key(&[], "a", Some(7)), key(&[], "a", Some(7))];
        assert_eq!(told(&own, &twice).ok(), of(7));
        assert_eq!(told(&own, &[key(&[], "a", Some(7)), key(&[], "a", Some(9))]).ok(), None);
        // One of another kind does not count.
        let rsa = vec![
            Attribute::KeyType(KeyType::RSA),
            Attribute::Modulus(vec![0xff; 256]),
            Attribute::PublicExponent(vec![1, 0, 1]),
        ];
        assert_eq!(told(&own, &[rsa, key(&[], "a", Some(7))]).ok(), of(7));
        assert_eq!(told(&own, &[]).ok(), None);
    }
}
