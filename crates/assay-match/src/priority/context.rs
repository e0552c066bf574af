//! The context of one image: what operators state, raised by what the image says of itself.
//!
//! An image is the judged. Its labels may only make the judgement stricter, and a word in them that nobody knows is a warning:
//! whoever wrote it meant something. An exposed port is a weaker sign than a label: it only replaces the default.

use assay_model::context::{
    Context, Criticality, Environment, Exposure, Grade, InvalidGrade, Sensitivity, Setting, Stated,
    Statements,
};
use assay_model::{Image, Warning};

/// One label by which an image can raise its own context.
#[derive(Debug)]
pub struct Claim {
    /// The label.
    pub label: &'static str,
    /// Puts its value where it belongs.
    read: fn(&str, String, &mut Stated) -> Result<(), InvalidGrade>,
}

/// Every label that is read.
pub const CLAIMS: [Claim; 4] = [
    Claim {
        label: "org.assay.environment",
        read: |text, origin, stated| {
            stated.environment = Some(Setting::new(Environment::parse(text)?, origin));
            Ok(())
        },
    },
    Claim {
        label: "org.assay.exposure",
        read: |text, origin, stated| {
            stated.exposure = Some(Setting::new(Exposure::parse(text)?, origin));
            Ok(())
        },
    },
    Claim {
        label: "org.assay.data",
        read: |text, origin, stated| {
            stated.data = Some(Setting::new(Sensitivity::parse(text)?, origin));
            Ok(())
        },
    },
    Claim {
        label: "org.assay.criticality",
        read: |text, origin, stated| {
            stated.criticality = Some(Setting::new(Criticality::parse(text)?, origin));
            Ok(())
        },
    },
];

/// Returns the context of an image, and what of its labels could not be understood.
pub fn of_image(statements: &Statements, image: &Image) -> (Context, Vec<Warning>) {
    let Statements { operator, subject } = statements;
    let mut context = Context::new(operator);
    context.raise(subject);
    if operator.exposure.is_none()
        && let Some(port) = image.config.exposed_ports.first()
    {
        let ports = Stated {
            exposure: Some(Setting::new(Exposure::Open, format!("the image, which exposes port {port},"))),
            ..Stated::default()
        };
        context.raise(&ports);
    }
    let mut warnings = Vec::new();
    let mut stated = Stated::default();
    for claim in &CLAIMS {
        let Some(text) = image.labels.get(claim.label) else { continue };
        if let Err(error) = (claim.read)(text, format!("label `{}`", claim.label), &mut stated) {
            let message = format!("the label `{}` is not understood: {error}", claim.label);
            warnings.push(Warning::notice("unknown-context-label", None, message));
        }
    }
    context.raise(&stated);
    (context, warnings)
}
