//! The ioctl of `/dev/sev-guest` (`linux/sev-guest.h`), the only unsafe code of this module.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::path::Path;

use super::device::{Answer, Device, Request};

/// `_IOWR('S', 2, struct snp_guest_request_ioctl)`: a report with the host's certificates.
const GET_EXT_REPORT: libc::c_ulong = 0xc020_5302;
/// `SNP_GUEST_VMM_ERR_INVALID_LEN`: the table needs more room, `certs_len` says how much.
const INVALID_LENGTH: u32 = 1;
/// Version of the request message.
const MESSAGE_VERSION: u8 = 1;

/// `struct snp_ext_report_req`, 112 bytes: the request, then where the certificates go.
#[repr(C)]
struct ExtRequest {
    user_data: [u8; 64],
    vmpl: u32,
    reserved: [u8; 28],
    certs_address: u64,
    certs_length: u32,
}

/// `struct snp_guest_request_ioctl`, 32 bytes.
#[repr(C)]
struct Call {
    version: u8,
    request: u64,
    response: u64,
    firmware_error: u32,
    host_error: u32,
}

// the kernel's layout on 64-bit x86, the only machine that has SNP
const _: () = assert!(size_of::<ExtRequest>() == 112 && size_of::<Call>() == 32);
/// `struct snp_report_resp`.
const RESPONSE: usize = 4000;

/// The open device.
pub(super) struct SevGuest {
    file: File,
}

impl SevGuest {
    /// Opens the device; `None` where there is none or it may not be opened.
    pub(super) fn find(root: &Path) -> Option<Self> {
        // a plain file in its place is no device: opening it would be harmless, calling it would not say anything
        use std::os::unix::fs::FileTypeExt as _;
        let path = root.join("dev/sev-guest");
        if !std::fs::metadata(&path).ok()?.file_type().is_char_device() {
            return None;
        }
        OpenOptions::new().read(true).write(true).open(path).ok().map(|file| Self { file })
    }
}

impl Device for SevGuest {
    fn request(&mut self, request: &Request) -> std::io::Result<Answer> {
        let mut response = vec![0_u8; RESPONSE];
        let mut table = vec![0_u8; request.room];
        let mut inner = ExtRequest {
            user_data: request.report_data,
            vmpl: 0,
            reserved: [0; 28],
            certs_address: if table.is_empty() { 0 } else { table.as_mut_ptr().expose_provenance() as u64 },
            certs_length: u32::try_from(table.len()).map_err(std::io::Error::other)?,
        };
        let mut call = Call {
            version: MESSAGE_VERSION,
            request: (&raw mut inner).expose_provenance() as u64,
            response: response.as_mut_ptr().expose_provenance() as u64,
            firmware_error: 0,
            host_error: 0,
        };
        // SAFETY: `call` has the kernel's layout and names three buffers that live until after the call: `inner` (112 bytes, read, and its
        // length field written), `response` (4000 bytes, the size that the kernel writes) and `table` (as long as `certs_length` says).
        // None of them is borrowed while the kernel writes.
        let result = unsafe { libc::ioctl(self.file.as_raw_fd(), GET_EXT_REPORT, &raw mut call) };
        let error = std::io::Error::last_os_error();
        if result == 0 {
            return Ok(Answer::Report { message: response, table });
        }
        match (call.host_error, usize::try_from(inner.certs_length)) {
            (INVALID_LENGTH, Ok(wanted)) if wanted > request.room => Ok(Answer::MoreRoom(wanted)),
            _ => {
                Err(std::io::Error::other(format!("{error}; firmware error {:#x}, host error {:#x}", call.firmware_error, call.host_error)))
            }
        }
    }
}
