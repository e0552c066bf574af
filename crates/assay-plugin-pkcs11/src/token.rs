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
        let which = [
            AttributeType::KeyType,
            AttributeType::Id,
            AttributeType::EcParams,
            AttributeType::EcPoint,
            AttributeType::Modulus,
            AttributeType::PublicExponent,
        ];
        let mut known = self.attributes(handle, &which);
        let id =
            known.iter().find_map(|one| if let Attribute::Id(id) = one { Some(id.clone()) } else { None });
        // The point stands in the public key only, which has the same identifier.
        let mut template = vec![Attribute::Class(ObjectClass::PUBLIC_KEY)];
        template.extend(id.clone().map(Attribute::Id));
        if id.is_none() {
            template
                .extend(self.uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
        }
        for public in self.session.find_objects(&template).unwrap_or_default() {
            known.extend(self.attributes(public, &which));
        }
        let (kind, public) = public(&known)?;
        Ok(Key { handle, kind, public, certificates: self.certificate(id) })
    }

    fn certificate(&self, id: Option<Vec<u8>>) -> Vec<Vec<u8>> {
        let Some(id) = id else { return Vec::new() };
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::CertificateType(CertificateType::X_509),
            Attribute::Id(id),
        ];
        let found = self.session.find_objects(&template).unwrap_or_default();
        let values = found.into_iter().flat_map(|handle| self.attributes(handle, &[AttributeType::Value]));
        values
            .filter_map(|one| if let Attribute::Value(der) = one { Some(der) } else { None })
            .take(1)
            .collect()
    }

    /// Signs a message.
    pub(crate) fn sign(&self, key: &Key, algorithm: &Algorithm, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let done = match algorithm {
            // Tokens hash by ECDSA of some hashes at best; every one signs a hash.
            Algorithm::Ecdsa(hash) => self.session.sign(&Mechanism::Ecdsa, key.handle, &hash.of(message)),
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
                self.session.sign(&Mechanism::RsaPkcsPss(params), key.handle, &hash.of(message))
            }
            Algorithm::Pkcs1(hash) => {
                let padded = [prefix(*hash), &hash.of(message)].concat();
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
