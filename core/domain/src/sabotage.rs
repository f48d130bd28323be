//! Switches that turn one security control off in a test build, so that its test can be seen failing.
//!
//! A control point asks `sabotage::off("G-22")`. Without the feature `sabotage` the answer is a constant
//! `false` and the question leaves no trace in the program; with it, the variable `BARTIZAN_SABOTAGE`
//! names the one row that is off, read once. This is the only place of `core/` that looks at the
//! environment, and no release build compiles with it.

/// Whether the control of `row` (an id of `docs/controls.toml`) is switched off.
#[cfg(not(feature = "sabotage"))]
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "the branch behind it must vanish from the program"
)]
pub const fn off(_row: &str) -> bool {
    false
}

/// Whether the control of `row` (an id of `docs/controls.toml`) is switched off.
#[cfg(feature = "sabotage")]
pub fn off(row: &str) -> bool {
    static OFF: std::sync::OnceLock<Option<std::ffi::OsString>> = std::sync::OnceLock::new();
    let off = OFF.get_or_init(|| std::env::var_os("BARTIZAN_SABOTAGE"));
    off.as_deref() == Some(std::ffi::OsStr::new(row))
}

/// What a process hands on to another one that it starts with an empty environment: name and value of the
/// variable, when a test build was given one.
pub fn handed_on() -> Option<(&'static str, std::ffi::OsString)> {
    #[cfg(feature = "sabotage")]
    return std::env::var_os("BARTIZAN_SABOTAGE").map(|row| ("BARTIZAN_SABOTAGE", row));
    #[cfg(not(feature = "sabotage"))]
    None
}

#[cfg(all(feature = "sabotage", not(debug_assertions)))]
compile_error!(
    "the feature `sabotage` switches security controls off: it never goes into a release"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_off_unless_asked_for() {
        assert!(!off("no such row"));
    }
}
