//! Where an image runs, as operators state it: by options and variables.

use crate::environment;
use crate::error::CommandError;
use assay_model::context::{
    Criticality, Environment, Exposure, Grade, InvalidGrade, Sensitivity, Setting, Stated,
};

/// Where it runs and what depends on it; decides priorities.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct ContextArgs {
    /// Where it runs: production, staging or development [env: `ASSAY_ENVIRONMENT`].
    #[arg(long, value_name = "WHERE", value_parser = grade::<Environment>)]
    environment: Option<Environment>,

    /// Who can reach it: open (anybody), controlled or not-exposed [env: `ASSAY_EXPOSURE`].
    #[arg(long, value_name = "WHO", value_parser = grade::<Exposure>)]
    exposure: Option<Exposure>,

    /// What data it handles: sensitive, internal or public [env: `ASSAY_DATA`].
    #[arg(long, value_name = "WHAT", value_parser = grade::<Sensitivity>)]
    data: Option<Sensitivity>,

    /// How much depends on it: high, medium or low [env: `ASSAY_CRITICALITY`].
    #[arg(long, value_name = "HOW", value_parser = grade::<Criticality>)]
    criticality: Option<Criticality>,
}

fn grade<T: Grade>(text: &str) -> Result<T, InvalidGrade> {
    T::parse(text)
}

impl ContextArgs {
    /// Returns what options state, and variables where there is no option.
    pub(crate) fn stated(&self) -> Result<Stated, CommandError> {
        Ok(Stated {
            environment: one(self.environment)?,
            exposure: one(self.exposure)?,
            data: one(self.data)?,
            criticality: one(self.criticality)?,
            owner: None,
        })
    }
}

fn one<T: Grade>(option: Option<T>) -> Result<Option<Setting<T>>, CommandError> {
    if let Some(value) = option {
        return Ok(Some(Setting::new(value, format!("`--{}`", T::KEY))));
    }
    let name = format!("ASSAY_{}", T::KEY.to_uppercase());
    let Some(text) = environment::variable(&name) else { return Ok(None) };
    match T::parse(&text) {
        Ok(value) => Ok(Some(Setting::new(value, format!("`{name}`")))),
        Err(error) => Err(CommandError::usage(format!("`{name}`: {error}"))
            .hint(format!("set `{name}` to one of these, or to nothing"))),
    }
}
