//! Seeded pairs of versions, realistic and nasty, for the tests against real tools.

use patchwright_versions::Scheme;

/// SplitMix64: small, and the same on every machine, so that a failing pair comes back.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// Mostly small, sometimes a date, a leading zero, or more than 64 bits.
    fn number(&mut self) -> String {
        match self.below(12) {
            0..=6 => self.below(13).to_string(),
            7 => (90 + self.below(400)).to_string(),
            8 => format!("0{}", self.below(12)),
            9 => (20_230_000 + self.below(1_231)).to_string(),
            10 => self.pick(&["00", "000", "010", "18446744073709551615", "18446744073709551616"]).into(),
            _ => format!("{}{:019}", 1 + self.below(2), self.below(3)),
        }
    }

    fn dotted(&mut self) -> String {
        let parts: Vec<String> = (0..=self.below(4)).map(|_| self.number()).collect();
        parts.join(".")
    }

    fn deb(&mut self) -> String {
        const UPSTREAM: [&str; 14] = [
            "",
            "",
            "",
            "~rc1",
            "~beta2",
            "+dfsg",
            "+dfsg1",
            "+really1.9",
            "~git20230101.abc",
            "p1",
            "a",
            "-2",
            ".0",
            "~",
        ];
        const REVISION: [&str; 15] = [
            "",
            "",
            "+b1",
            "+b10",
            "~bpo12+1",
            "~bpo11+1",
            "+deb12u9",
            "+deb12u10",
            "~deb12u1",
            "ubuntu1",
            "ubuntu0.22.04.1",
            ".1",
            "+rpi1",
            "build2",
            "~",
        ];
        let epoch = self.pick(&["", "", "", "", "0:", "1:", "2:", "00:", "10:"]);
        let mut text = format!("{epoch}{}{}", self.dotted(), self.pick(&UPSTREAM));
        if !self.one_in(4) {
            let start = self.pick(&["0", "1", "2", "9", "10", "0", "a", "~", "00"]);
            text += &format!("-{start}{}", self.pick(&REVISION));
        }
        text
    }

    fn rpm(&mut self) -> String {
        const VERSION: [&str; 12] =
            ["", "", "", "~rc1", "~beta.2", "^git1", "^20230101gitabc", "^git1~pre", "k", "p1", "^", "~"];
        const RELEASE: [&str; 14] = [
            "",
            ".el9",
            ".el9_4",
            ".el9_4.1",
            ".el8_10",
            ".fc39",
            ".1.el7.centos.4",
            ".amzn2023",
            ".git1a2b3c.el9",
            ".module+el8.4.0+11732+c668cc9f",
            ".module+el8.10.0+21003+1a2b3c4d",
            "^1",
            "~1",
            ".rc1",
        ];
        let epoch = self.pick(&["", "", "", "", "0:", "1:", "2:", "00:", ":", "18446744073709551617:"]);
        let mut text = format!("{epoch}{}{}", self.dotted(), self.pick(&VERSION));
        if !self.one_in(4) {
            text += &format!("-{}{}", self.number(), self.pick(&RELEASE));
        }
        text
    }

    fn pep440(&mut self) -> String {
        const PRE: [&str; 12] = ["", "", "", "a1", "b2", "rc1", ".alpha", "-beta-2", "_PRE_1", "c3", "preview", "a"];
        const POST: [&str; 10] = ["", "", "", ".post1", "-1", "r2", ".rev", "post", "_Post_3", "-r.4"];
        const DEV: [&str; 7] = ["", "", "", ".dev0", "dev", "-DEV-3", "_dev1"];
        const LOCAL: [&str; 12] =
            ["", "", "", "", "+abc", "+ABC.1", "+1", "+01", "+1.a", "+ubuntu-2", "+cu118", "+18446744073709551616"];
        let epoch = self.pick(&["", "", "", "", "", "0!", "1!", "01!"]);
        let v = self.pick(&["", "", "", "", "v", " ", "V"]);
        let (pre, post, dev, local) = (self.pick(&PRE), self.pick(&POST), self.pick(&DEV), self.pick(&LOCAL));
        format!("{v}{epoch}{}{pre}{post}{dev}{local}", self.dotted())
    }

    fn maven(&mut self) -> String {
        const QUALIFIER: [&str; 24] = [
            "",
            "",
            "",
            "",
            ".Final",
            "-SNAPSHOT",
            "-alpha-1",
            "-beta2",
            ".Beta1",
            ".RC1",
            "-rc",
            ".CR2",
            "-M1",
            "-m3",
            "b1",
            ".RELEASE",
            "-jre",
            "-android",
            ".v20230217",
            "_292",
            "-1",
            "-2",
            ".SP1",
            "-ga",
        ];
        const MORE: [&str; 10] = ["", "", "", "", "", "", "-SNAPSHOT", ".1", "-20230101.120000-3", "-redhat-00001"];
        format!("{}{}{}", self.dotted(), self.pick(&QUALIFIER), self.pick(&MORE))
    }

    fn gem(&mut self) -> String {
        const PRE: [&str; 12] =
            ["", "", "", ".pre", ".rc1", ".beta2", ".alpha.10", "-java", "-x86-mingw32", ".a.0.b", ".a.0.1", ".B"];
        format!("{}{}{}", self.dotted(), self.pick(&PRE), self.pick(&["", "", "", ".0", ".1", " "]))
    }

    fn plain(&mut self) -> String {
        if self.one_in(10) { self.number() } else { self.below(30).to_string() }
    }

    fn go(&mut self) -> String {
        const PRE: [&str; 10] = [
            "",
            "",
            "",
            "-rc.1",
            "-rc1",
            "-beta",
            "-0.20191109021931-daa7c04131f5",
            "-20191109021931-daa7c04131f5",
            "-pre.0.20191109021931-daa7c04131f5",
            "-alpha.10",
        ];
        let (major, minor, patch) = (self.plain(), self.plain(), self.plain());
        let (pre, build) = (self.pick(&PRE), self.pick(&["", "", "", "+incompatible", "+meta.1"]));
        format!("{}{major}.{minor}.{patch}{pre}{build}", self.pick(&["v", "v", ""]))
    }

    /// A text close to the given one: a part dropped, doubled or replaced by another.
    fn neighbour(&mut self, scheme: Scheme, text: &str) -> String {
        let parts: &[&str] = match scheme {
            Scheme::Deb => &["~", "+", "-", ".", ":", "a", "Z", "0", "1", "9", "00", "_", "", ".0", "-0", "~~", "+b1"],
            Scheme::Rpm => {
                &["~", "^", "-", ".", "_", "+", ":", "a", "Z", "0", "1", "9", "00", "", ".0", "-0", "~~", "é"]
            }
            Scheme::Pep440 => {
                &["-", ".", "_", "a", "b", "rc", "post", "dev", "0", "1", "+", "!", "", ".0", "r", "x", " "]
            }
            Scheme::Maven => &["-", ".", "_", "a", "rc", "ga", "sp", "0", "1", "9", "", ".0", "-0", "x", "Final"],
            Scheme::Gem => &["-", ".", "a", "B", "0", "1", "9", "", ".0", "_", ".a", "rc"],
            Scheme::Go | Scheme::Semver => &["-", ".", "+", "a", "Z", "0", "1", "9", "", ".0", "v", "rc", "_"],
            Scheme::Apk | Scheme::Nuget | Scheme::Composer => panic!("no real tool to ask for {scheme}"),
        };
        let boundary = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = boundary(self.below(text.len() + 1));
        let end = boundary((start + self.below(3)).min(text.len())).max(start);
        format!("{}{}{}", &text[..start], self.pick(parts), &text[end..])
    }

    fn version(&mut self, scheme: Scheme) -> String {
        match scheme {
            Scheme::Deb => self.deb(),
            Scheme::Rpm => self.rpm(),
            Scheme::Pep440 => self.pep440(),
            Scheme::Maven => self.maven(),
            Scheme::Gem => self.gem(),
            Scheme::Go | Scheme::Semver => self.go(),
            Scheme::Apk | Scheme::Nuget | Scheme::Composer => panic!("no real tool to ask for {scheme}"),
        }
    }

    /// A pair: unrelated, or one a neighbour of the other at one or two places.
    pub(crate) fn pair(&mut self, scheme: Scheme) -> (String, String) {
        let a = self.version(scheme);
        let mut b = match self.below(4) {
            0 => self.version(scheme),
            1..=2 => self.neighbour(scheme, &a),
            _ => {
                let near = self.neighbour(scheme, &a);
                self.neighbour(scheme, &near)
            }
        };
        // Also pairs that are not fit for the scheme in their first text.
        if self.one_in(8) {
            b = self.neighbour(scheme, &a);
            return (b, a);
        }
        (a, b)
    }
}
