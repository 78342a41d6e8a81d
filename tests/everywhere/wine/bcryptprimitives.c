/*
 * A system DLL of Windows that wine 8 (Debian 12) does not have, and Rust's standard library needs:
 * random bytes for the seeds of hash tables.
 */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length); /* RtlGenRandom, of advapi32 */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
    return SystemFunction036(data, (ULONG)length);
}
