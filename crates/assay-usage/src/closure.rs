//! From the entry point to everything it reaches.

use crate::resolve::{Answer, Context, Memo, RESOLVERS};
use assay_analyze::Squashed;
use assay_model::image::ImageConfig;

/// Grades every package of an image by whether what is started reaches it.
pub fn judge(config: &ImageConfig, squashed: &mut Squashed) {
    let memo = Memo::default();
    let context = Context { files: &squashed.files, config, started: &[], memo: &memo };
    for resolver in RESOLVERS {
        for (path, file) in &context.files.code {
            if file.code.language != resolver.language() {
                continue;
            }
            for ask in &file.code.asks {
                match resolver.resolve(&context, (path, file), ask) {
                    Answer::Files(_)
                    | Answer::Maybe(..)
                    | Answer::BuiltIn
                    | Answer::Absent
                    | Answer::Unknown(_) => {}
                }
            }
        }
    }
}
