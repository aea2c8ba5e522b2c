//! Where tensors live and how many threads work on them.

use std::fmt;
use std::str::FromStr;

use run_store::Environment;
use tch::{Cuda, Device};

/// The libtorch that tch is built against; torch-sys refuses any other, unless it is told not to look.
pub(crate) const LIBTORCH_VERSION: &str = "2.13.0";
/// Whether it looked.
const IS_CHECKED: bool = option_env!("LIBTORCH_BYPASS_VERSION_CHECK").is_none();

/// A device as it is named on a command line: `cpu` or `cuda:N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The processor.
    Cpu,
    /// The N-th graphics processor, from 0.
    Cuda(u16),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("cuda:").map(str::parse) {
            Some(Ok(index)) => Ok(Self::Cuda(index)),
            _ if text == "cpu" => Ok(Self::Cpu),
            _ => Err(format!("expected cpu or cuda:N, such as cuda:0, found {text}")),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(index) => write!(formatter, "cuda:{index}"),
        }
    }
}

impl DeviceChoice {
    /// The device, if this machine and this libtorch have it.
    ///
    /// # Errors
    /// There is no such graphics processor, or libtorch was built without support for any.
    fn device(self) -> Result<Device, String> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !load_cuda() || !Cuda::is_available() => Err(format!(
                "device {self} is not available: libtorch sees no graphics processor; use --device cpu, or set LIBTORCH to a \
                 CUDA build of libtorch {LIBTORCH_VERSION} and build again"
            )),
            Self::Cuda(index) if i64::from(index) >= Cuda::device_count() => {
                Err(format!("device {self} is not available: libtorch sees {} of them, from 0", Cuda::device_count()))
            }
            Self::Cuda(index) => Ok(Device::Cuda(usize::from(index))),
        }
    }
}

/// Prepares this whole process for training or inference on `threads` processor threads; gives the device and what a
/// manifest says of all that.
///
/// # Errors
/// The device is not available.
pub fn prepare_process(choice: DeviceChoice, threads: u32) -> Result<(Device, Environment), String> {
    let device = choice.device()?;
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
    keep_freed_memory();
    let environment = Environment {
        threads,
        device: choice.to_string(),
        precision: "f32".to_owned(),
        libtorch: IS_CHECKED.then(|| LIBTORCH_VERSION.to_owned()),
    };
    Ok((device, environment))
}

/// Loads libtorch's part for graphics processors, if this libtorch has one. Linkers leave a library out that no symbol is taken
/// from, and libtorch finds it only if it is there.
#[cfg(target_os = "linux")]
fn load_cuda() -> bool {
    const LIBRARY: &std::ffi::CStr = c"libtorch_cuda.so";
    #[expect(
        unsafe_code,
        reason = "loads a library that belongs to the libtorch this program is linked with, before any other thread runs, and never \
                  unloads it"
    )]
    let handle = unsafe { libc::dlopen(LIBRARY.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    !handle.is_null()
}

#[cfg(not(target_os = "linux"))]
fn load_cuda() -> bool {
    true
}

/// Lets the allocator keep what is freed, up to the largest tensors of a step: otherwise each of them is given back to
/// the system and faulted in again, page by page, at every step. It took a fifth of the time of the CAE.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_freed_memory() {
    /// glibc's upper limit for it.
    const MMAP_THRESHOLD: libc::c_int = 32 << 20;
    const TRIM_THRESHOLD: libc::c_int = 1 << 30;
    #[expect(
        unsafe_code,
        reason = "mallopt only sets limits of the allocator, and is safe before and between allocations"
    )]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD);
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_THRESHOLD);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_freed_memory() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["cpu", "cuda:0", "cuda:11"] {
            assert_eq!(name.parse::<DeviceChoice>().map(|device| device.to_string()), Ok(name.to_owned()));
        }
        for name in ["", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:x"] {
            assert!(name.parse::<DeviceChoice>().is_err(), "{name} was accepted");
        }
    }

    #[test]
    fn a_device_that_is_not_there_is_refused() {
        assert!(DeviceChoice::Cuda(999).device().is_err_and(|error| error.contains("cuda:999")));
    }
}
