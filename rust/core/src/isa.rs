//! Row operations compiled for several instruction sets; a kernel call detects once which to use.
//!
//! The machine code comes from the compiler's vectoriser. Calling a function that was compiled for more
//! than the baseline is what needs `unsafe` here; it makes the kernels several times faster.

/// The widest instruction set of this processor that the row operations know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Isa(pub(crate) Level);

/// Private to construction by [`Isa::detect`]: a level above the baseline is a promise about the processor.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Baseline,
}

impl Isa {
    pub(crate) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            use std::is_x86_feature_detected as has;
            if has!("avx2") && has!("fma") && has!("popcnt") && has!("bmi1") && has!("bmi2") {
                return Isa(if has!("avx512f") { Level::Avx512 } else { Level::Avx2 });
            }
        }
        Isa(Level::Baseline)
    }
}

#[cfg(test)]
impl Isa {
    /// All levels with fused multiply-add that this processor has.
    pub(crate) fn fused() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        match Isa::detect().0 {
            Level::Avx512 => return vec![Isa(Level::Avx512), Isa(Level::Avx2)],
            Level::Avx2 => return vec![Isa(Level::Avx2)],
            Level::Baseline => {}
        }
        if BASELINE_FMA { vec![Isa(Level::Baseline)] } else { vec![] }
    }
}

/// Whether the baseline has fused multiply-add in hardware.
pub(crate) const BASELINE_FMA: bool = cfg!(target_arch = "aarch64");

/// Defines a function over rows that is compiled for each level; its body may use the constant `FMA`.
macro_rules! row_kernel {
    ($(#[$doc:meta])* $visible:vis fn $name:ident $(<$generic:ident: $bound:path>)?
        ($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        #[allow(unsafe_code)]
        $visible fn $name$(<$generic: $bound>)?(isa: $crate::isa::Isa, $($arg: $type),*) {
            use $crate::isa::Level;
            #[inline(always)]
            fn body<const FMA: bool, $($generic: $bound)?>($($arg: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma,popcnt,bmi1,bmi2")]
            fn avx512$(<$generic: $bound>)?($($arg: $type),*) {
                body::<true, $($generic)?>($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,popcnt,bmi1,bmi2")]
            fn avx2$(<$generic: $bound>)?($($arg: $type),*) {
                body::<true, $($generic)?>($($arg),*)
            }
            match isa.0 {
                // SAFETY: `Isa::detect` is the only source of this level and found the features.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2($($arg),*) },
                Level::Baseline => {
                    body::<{ $crate::isa::BASELINE_FMA }, $($generic)?>($($arg),*)
                }
            }
        }
    };
}
pub(crate) use row_kernel;

/// `a * wa + b * wb` in the operand order of torch's kernels.
#[inline(always)]
pub(crate) fn mix<const FMA: bool>(a: f32, wa: f32, b: f32, wb: f32) -> f32 {
    if FMA { a.mul_add(wa, b * wb) } else { a * wa + b * wb }
}

/// `a * b + c`.
#[inline(always)]
pub(crate) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}
