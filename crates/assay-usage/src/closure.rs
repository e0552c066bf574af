//! From the entry point to everything it reaches.

use crate::resolve::{Answer, Context, RESOLVERS};
use assay_analyze::Squashed;
use assay_model::image::ImageConfig;

/// Grades every package of an image by whether what is started reaches it.
pub fn judge(config: &ImageConfig, squashed: &mut Squashed) {
    let context = Context { files: &squashed.files, config, started: &[] };
    for resolver in RESOLVERS {
        for (path, file) in &context.files.code {
            if file.code.language != resolver.language() {
                continue;
            }
            for ask in &file.code.asks {
                match resolver.resolve(&context, (path, file), ask) {
                    Answer::Files(_) | Answer::BuiltIn | Answer::Absent | Answer::Unknown(_) => {}
                }
            }
        }
    }
}
