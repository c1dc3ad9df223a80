/* The one function of this library that programs of Rust call, which Debian's Wine lacks. Only the tests use it. */
#include <windows.h>

/* RtlGenRandom, by the name under which advapi32 has it. */
BOOLEAN WINAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
    return SystemFunction036(data, (ULONG)length);
}
