//! Recognises licence texts by the phrases that only they have.
//!
//! A full matcher (askalono's, in the crate `spdx`) carries 2.1 MB of compressed word groups, half of what the whole built-in database
//! may have, and a second Zstandard; the texts of a few dozen licences are nearly all there are in images. Texts are compared
//! without case, punctuation and line breaks. The text of the GPL alone does not say whether later versions may be used: the
//! stricter reading is taken.

use super::expression::Expression;
use memchr::memmem;

/// Licence files are shorter; collections of them are read so far.
pub const TEXT_LIMIT: usize = 512 << 10;

/// A licence text: what it has, and what the others have that begin alike.
struct Text {
    id: &'static str,
    exception: Option<&'static str>,
    has: &'static [&'static str],
    lacks: &'static [&'static str],
}

const fn text(id: &'static str, has: &'static [&'static str], lacks: &'static [&'static str]) -> Text {
    Text { id, exception: None, has, lacks }
}

const BSD: &str =
    "redistribution and use in source and binary forms with or without modification are permitted";
const BSD_NAME: &str = "may be used to endorse or promote products";
const BSD_ADVERTISING: &str = "all advertising materials mentioning features or use of this software";
const MIT: &str = "permission is hereby granted free of charge to any person obtaining a copy of this software and associated documentation files";
const MIT_NOTICE: &str = "the above copyright notice and this permission notice";
const ISC: &str = "permission to use copy modify and or distribute this software for any purpose with or without fee is hereby granted";
const ISC_OLD: &str = "permission to use copy modify and distribute this software for any purpose with or without fee is hereby granted";
const ISC_NOTICE: &str =
    "provided that the above copyright notice and this permission notice appear in all copies";

const GPL1: &str = "gnu general public license version 1 february 1989";
const GPL2: &str = "gnu general public license version 2 june 1991";
const GPL3: &str = "gnu general public license version 3 29 june 2007";
const LGPL20: &str = "gnu library general public license version 2 june 1991";
const LGPL21: &str = "gnu lesser general public license version 2 1 february 1999";
const LGPL3: &str = "gnu lesser general public license version 3 29 june 2007";
const AGPL3: &str = "gnu affero general public license version 3 19 november 2007";

/// Notices of the GNU family stand in their own texts as an example.
const GNU_TEXTS: &[&str] = &[GPL1, GPL2, GPL3, LGPL20, LGPL21, AGPL3];

const TEXTS: &[Text] = &[
    text(
        "MIT",
        &[MIT, MIT_NOTICE],
        &[
            "the software shall be used for good not evil",
            "except as contained in this notice the name of the x consortium",
        ],
    ),
    text("MIT-0", &[MIT, "without restriction"], &[MIT_NOTICE, "unicode", "server side public"]),
    text("JSON", &[MIT, "the software shall be used for good not evil"], &[]),
    text("X11", &[MIT, "except as contained in this notice the name of the x consortium"], &[]),
    text("ISC", &[ISC, ISC_NOTICE], &[]),
    text("ISC", &[ISC_OLD, ISC_NOTICE], &[]),
    text("0BSD", &[ISC], &[ISC_NOTICE]),
    text(
        "BSD-2-Clause",
        &[BSD, "redistributions in binary form must reproduce"],
        &[BSD_NAME, "be used to endorse", BSD_ADVERTISING, "to endorse or promote"],
    ),
    text(
        "BSD-3-Clause",
        &[BSD, "to endorse or promote"],
        &[BSD_ADVERTISING, "openssl toolkit", "the php license", "apache software license"],
    ),
    text("BSD-4-Clause", &[BSD, BSD_ADVERTISING], &["openssl toolkit"]),
    text("OpenSSL", &["openssl license", "openssl toolkit"], &[]),
    text("PHP-3.01", &["the php license version 3 01"], &[]),
    text(
        "Apache-2.0",
        &["apache license version 2 0 january 2004"],
        &["llvm exceptions to the apache 2 0 license"],
    ),
    text(
        "Apache-2.0",
        &["licensed under the apache license version 2 0"],
        &["apache license version 2 0 january 2004"],
    ),
    Text {
        id: "Apache-2.0",
        exception: Some("LLVM-exception"),
        has: &["llvm exceptions to the apache 2 0 license"],
        lacks: &[],
    },
    text("Apache-1.1", &["the apache software license version 1 1"], &[]),
    text("GPL-1.0-only", &[GPL1], &[]),
    text("GPL-2.0-only", &[GPL2], &["classpath exception to the gpl"]),
    Text {
        id: "GPL-2.0-only",
        exception: Some("Classpath-exception-2.0"),
        has: &[GPL2, "classpath exception to the gpl"],
        lacks: &[],
    },
    text("GPL-3.0-only", &[GPL3], &[]),
    text("LGPL-2.0-only", &[LGPL20], &[]),
    text("LGPL-2.1-only", &[LGPL21], &[]),
    text("LGPL-3.0-only", &[LGPL3], &[]),
    text("AGPL-3.0-only", &[AGPL3], &[]),
    text(
        "GPL-2.0-or-later",
        &[
            "gnu general public license as published by the free software foundation either version 2 of the license or at your option any later version",
        ],
        GNU_TEXTS,
    ),
    text(
        "GPL-3.0-or-later",
        &[
            "gnu general public license as published by the free software foundation either version 3 of the license or at your option any later version",
        ],
        GNU_TEXTS,
    ),
    text(
        "LGPL-2.1-or-later",
        &[
            "gnu lesser general public license as published by the free software foundation either version 2 1 of the license or at your option any later version",
        ],
        GNU_TEXTS,
    ),
    text(
        "LGPL-3.0-or-later",
        &[
            "gnu lesser general public license as published by the free software foundation either version 3 of the license or at your option any later version",
        ],
        GNU_TEXTS,
    ),
    text(
        "AGPL-3.0-or-later",
        &[
            "gnu affero general public license as published by the free software foundation either version 3 of the license or at your option any later version",
        ],
        GNU_TEXTS,
    ),
    text("MPL-1.1", &["mozilla public license version 1 1"], &["mozilla public license version 2 0"]),
    text("MPL-2.0", &["mozilla public license version 2 0"], &[]),
    text(
        "MPL-2.0",
        &["subject to the terms of the mozilla public license v 2 0"],
        &["mozilla public license version 2 0"],
    ),
    text("EPL-1.0", &["eclipse public license v 1 0", "recipient s acceptance"], &[]),
    text("EPL-1.0", &["eclipse public license v 1 0", "each contributor"], &["recipient s acceptance"]),
    text("EPL-2.0", &["eclipse public license v 2 0"], &[]),
    text(
        "CDDL-1.0",
        &["common development and distribution license", "version 1 0", "covered software"],
        &["version 1 1"],
    ),
    text(
        "CDDL-1.1",
        &["common development and distribution license", "version 1 1", "covered software"],
        &[],
    ),
    text("CC0-1.0", &["cc0 1 0 universal"], &[]),
    text("CC-BY-3.0", &["attribution 3 0 unported"], &[]),
    text("CC-BY-4.0", &["attribution 4 0 international"], &[]),
    text("CC-BY-SA-3.0", &["attribution sharealike 3 0 unported"], &[]),
    text("CC-BY-SA-4.0", &["attribution sharealike 4 0 international"], &[]),
    text("CC-BY-NC-4.0", &["attribution noncommercial 4 0 international"], &[]),
    text("CC-BY-NC-SA-4.0", &["attribution noncommercial sharealike 4 0 international"], &[]),
    text("CC-BY-ND-4.0", &["attribution noderivatives 4 0 international"], &[]),
    text("Unlicense", &["this is free and unencumbered software released into the public domain"], &[]),
    text("WTFPL", &["do what the fuck you want to public license"], &[]),
    text(
        "Zlib",
        &[
            "this software is provided as is without any express or implied warranty in no event will the author",
            "altered source versions must be plainly marked as such",
        ],
        &[],
    ),
    text("BSL-1.0", &["boost software license version 1 0"], &[]),
    text("Python-2.0", &["psf license agreement for python", "beopen"], &[]),
    text("PSF-2.0", &["python software foundation license version 2"], &["beopen"]),
    text("Artistic-2.0", &["the artistic license 2 0"], &[]),
    text(
        "Artistic-1.0-Perl",
        &[
            "the artistic license",
            "the intent of this document is to state the conditions under which a package may be copied",
        ],
        &[],
    ),
    text("SSPL-1.0", &["server side public license version 1 october 16 2018"], &[]),
    text("BUSL-1.1", &["business source license 1 1", "change date"], &[]),
    text(
        "Elastic-2.0",
        &[
            "elastic license 2 0",
            "you may not provide the software to third parties as a hosted or managed service",
        ],
        &[],
    ),
    text("LicenseRef-Commons-Clause", &["commons clause license condition v1 0"], &[]),
    text("OFL-1.1", &["sil open font license version 1 1"], &[]),
    text("Unicode-3.0", &["unicode license v3"], &[]),
    text(
        "Unicode-DFS-2016",
        &[
            "permission is hereby granted free of charge to any person obtaining a copy of the unicode data files",
        ],
        &["unicode license v3"],
    ),
    text("NCSA", &["university of illinois ncsa open source license"], &[]),
    text("BlueOak-1.0.0", &["blue oak model license"], &[]),
    text(
        "PostgreSQL",
        &[
            "permission to use copy modify and distribute this software and its documentation for any purpose without fee and without a written agreement is hereby granted",
        ],
        &[],
    ),
    text("EUPL-1.2", &["european union public licence v 1 2"], &[]),
    text("MS-PL", &["microsoft public license ms pl"], &[]),
    text("ZPL-2.1", &["zope public license zpl version 2 1"], &[]),
    text("UPL-1.0", &["universal permissive license v 1 0"], &[]),
    text("CPL-1.0", &["common public license version 1 0"], &[]),
];

/// Returns the licences whose text, or whose `SPDX-License-Identifier`, stands in `text`, sorted.
pub fn of(text: &str) -> Vec<Expression> {
    let mut found = Vec::new();
    for line in text.lines().take(60) {
        let tagged = line.split_once("SPDX-License-Identifier:").map(|(_, after)| after.trim());
        let end = |tagged: &str| tagged.trim_end_matches("*/").trim_end_matches("-->").trim().to_owned();
        found.extend(tagged.and_then(|tagged| Expression::read(&end(tagged))));
    }
    let plain = plain(text);
    let has = |phrase: &str| memmem::find(plain.as_bytes(), phrase.as_bytes()).is_some();
    for known in TEXTS {
        if known.has.iter().all(|phrase| has(phrase)) && !known.lacks.iter().any(|phrase| has(phrase)) {
            found.push(Expression::License {
                id: known.id.to_owned(),
                exception: known.exception.map(str::to_owned),
            });
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Returns the words of a text in lower case, one blank between them.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len().min(TEXT_LIMIT));
    for char in text.chars() {
        if plain.len() >= TEXT_LIMIT {
            break;
        }
        if char.is_ascii_alphanumeric() {
            plain.push(char.to_ascii_lowercase());
        } else if !plain.is_empty() && !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = of(text).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn every_text_is_found_by_its_own_phrases() {
        for known in TEXTS {
            let text = known.has.join("\n");
            let found = of(&text);
            let own = Expression::License {
                id: known.id.to_owned(),
                exception: known.exception.map(str::to_owned),
            };
            assert!(found.contains(&own), "{} is not in {found:?}", known.id);
        }
    }

    #[test]
    fn punctuation_and_line_breaks_do_not_matter() {
        check("Apache License\n   Version 2.0, January 2004\n", &["Apache-2.0"]);
        check("// SPDX-License-Identifier: MIT OR Apache-2.0 */\n", &["MIT OR Apache-2.0"]);
        check("GNU GENERAL PUBLIC LICENSE\n Version 2, June 1991\n", &["GPL-2.0-only"]);
    }

    #[test]
    fn what_only_speaks_of_licences_is_none() {
        check("Released under the same licence as Perl. See the file COPYING. Not GPL.", &[]);
        check("", &[]);
    }
}
