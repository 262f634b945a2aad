"""Asks NVIDIA's CUDA driver which devices it offers, and prints the answer as JSON.

Run as a file, in a process of its own: a process that has asked must not fork, keeps what ``CUDA_VISIBLE_DEVICES`` was
then, and dies with a broken driver.
"""

from __future__ import annotations

import ctypes
import json
import uuid
from typing import Any

CAPABILITY_MAJOR, CAPABILITY_MINOR = 75, 76
"""Attributes of a device, as ``cuda.h`` numbers them."""


def main() -> None:
    """Print ``version`` of CUDA that the driver is for, the first ``error`` (0 is none), and ``gpus``."""
    driver = ctypes.CDLL("libcuda.so.1")
    version, count = ctypes.c_int(0), ctypes.c_int(0)
    driver.cuDriverGetVersion(ctypes.byref(version))
    error = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    gpus = [_gpu(driver, number) for number in range(count.value)]
    print(json.dumps({"version": version.value, "error": error, "gpus": gpus}))  # noqa: T201 - the answer


def _gpu(driver: Any, number: int) -> dict[str, Any]:
    device, name, memory = ctypes.c_int(0), ctypes.create_string_buffer(256), ctypes.c_size_t(0)
    id = (ctypes.c_ubyte * 16)()
    driver.cuDeviceGet(ctypes.byref(device), number)
    driver.cuDeviceGetName(name, len(name), device)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    driver.cuDeviceGetUuid_v2(ctypes.byref(id), device)  # of a MIG instance its own
    capability = []
    for attribute in (CAPABILITY_MAJOR, CAPABILITY_MINOR):
        value = ctypes.c_int(0)
        driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        capability.append(value.value)
    text = name.value.decode(errors="replace")
    kind = "MIG" if " MIG " in text else "GPU"
    return {
        "name": text,
        "memory": memory.value,
        "capability": capability,
        "uuid": f"{kind}-{uuid.UUID(bytes=bytes(id))}",
    }


if __name__ == "__main__":
    main()
