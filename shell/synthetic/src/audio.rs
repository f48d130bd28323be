//! The sound: a short soft tone at the start of every second, in G.711 µ-law at 8 kHz, and the canary's
//! bytes just as they are.

use std::f32::consts::TAU;

use bartizan_domain::UtcMillis;

/// Samples a second.
pub(crate) const RATE: u32 = 8_000;
/// Samples of an access unit: 20 ms.
pub(crate) const UNIT: u16 = 160;
/// Milliseconds of an access unit.
pub(crate) const UNIT_MS: u64 = 20;

/// Hertz.
const PITCH: f32 = 440.0;
/// Samples that the tone lasts: 120 ms.
const TONE: u32 = 960;
/// Samples in which it rises and falls: 15 ms.
const EDGE: u32 = 120;
/// Of 32,767.
const LOUDNESS: f32 = 6_000.0;

/// The access unit number `index` of sound that began at `began`.
///
/// A canary of at most [`UNIT`] bytes is in the unit in which a second begins, from its first byte on.
pub(crate) fn unit(began: UtcMillis, index: u64, canary: Option<&[u8]>) -> Vec<u8> {
    let start_ms = began.0.saturating_add(index.saturating_mul(UNIT_MS)) % 1_000;
    let start = u32::try_from(start_ms).unwrap_or_default() * (RATE / 1_000);
    let mut samples: Vec<u8> = (0..u32::from(UNIT))
        .map(|sample| encode(tone((start + sample) % RATE)))
        .collect();
    let begins = start == 0 || start > RATE - u32::from(UNIT);
    if let Some(canary) = canary.filter(|_| begins) {
        samples
            .iter_mut()
            .zip(canary)
            .for_each(|(to, from)| *to = *from);
    }
    samples
}

/// The sample at `at` samples after the start of a second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "samples of one second and at most LOUDNESS: both fit"
)]
fn tone(at: u32) -> i16 {
    if at >= TONE {
        return 0;
    }
    let edge = at.min(TONE - at).min(EDGE) as f32 / EDGE as f32;
    let wave = (TAU * PITCH * at as f32 / RATE as f32).sin();
    (wave * edge * LOUDNESS) as i16
}

/// A linear sample in µ-law (ITU-T G.711 §2, table 2a).
fn encode(sample: i16) -> u8 {
    const BIAS: u16 = 132;
    const CLIP: u16 = 32_635;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.unsigned_abs().min(CLIP) + BIAS;
    // 132 ≤ magnitude < 2^15, so the highest set bit is 7 to 14.
    let exponent = 8_u32.saturating_sub(magnitude.leading_zeros());
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    let code = exponent << 4 | u32::from(mantissa);
    !(sign | u8::try_from(code).unwrap_or(0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ITU-T G.711's decoder, as in every text book.
    fn decode(code: u8) -> i32 {
        let code = !code;
        let magnitude = ((i32::from(code & 0x0f) << 3) + 132) << ((code >> 4) & 7);
        if code & 0x80 == 0 {
            magnitude - 132
        } else {
            132 - magnitude
        }
    }

    #[test]
    fn every_code_comes_back() {
        for code in 0..=u8::MAX {
            let linear = i16::try_from(decode(code)).unwrap();
            // 0x7f is "minus zero", which is encoded as zero.
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(encode(linear), expected);
        }
        assert_eq!(
            (encode(0), encode(i16::MAX), encode(i16::MIN)),
            (0xff, 0x80, 0x00)
        );
    }

    #[test]
    fn the_tone_starts_with_the_second_and_ends() {
        let began = UtcMillis(1_790_000_000_000);
        let loud = |index| unit(began, index, None).iter().any(|code| *code != 0xff);
        let heard: Vec<u64> = (0..100).filter(|index| loud(*index)).collect();
        assert_eq!(heard, [0, 1, 2, 3, 4, 5, 50, 51, 52, 53, 54, 55]);
    }

    #[test]
    fn the_canary_is_there_once_a_second_wherever_the_sound_began() {
        for offset in [0, 1, 10, 19, 20, 990, 999] {
            let began = UtcMillis(1_790_000_000_000 + offset);
            let text = b"do not let this out";
            let found = (0..500).filter(|index| unit(began, *index, Some(text)).starts_with(text));
            assert_eq!(found.count(), 10, "{offset}");
        }
    }
}
