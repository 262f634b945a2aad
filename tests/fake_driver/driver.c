/* What bench asks of libcuda.so.1 and libnvidia-ml.so.1, answered from the environment: see __init__.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NO_DEVICE = 100, MOST = 16 };

static long said(const char *name, long otherwise) {
    const char *value = getenv(name);
    return value ? atol(value) : otherwise;
}

static const char *name_of_all(void) {
    const char *name = getenv("FAKE_NAME");
    return name ? name : "Fake H100";
}

static long installed(void) { return said("FAKE_GPUS", 0); }

static void write_uuid(long gpu, char *text) {
    sprintf(text, "00000000-0000-0000-0000-%012lx", gpu + 1);
}

/* The number of the GPU that an entry of CUDA_VISIBLE_DEVICES names: a number, or the beginning of a UUID. */
static long named(const char *entry) {
    char *end, uuid[64];
    if (strncmp(entry, "GPU-", 4) == 0 || strncmp(entry, "MIG-", 4) == 0) {
        for (long gpu = 0; gpu < installed(); gpu++) {
            write_uuid(gpu, uuid);
            if (strlen(entry) > 4 && strncmp(uuid, entry + 4, strlen(entry + 4)) == 0) return gpu;
        }
        return -1;
    }
    long gpu = strtol(entry, &end, 10);
    return end != entry && gpu >= 0 && gpu < installed() ? gpu : -1;
}

/* GPUs that are not hidden: entries up to the first that names none; none at all where one is named twice. */
static long visible(long *gpus) {
    const char *list = getenv("CUDA_VISIBLE_DEVICES");
    long count = 0;
    if (said("FAKE_MIG", 0)) return 0;
    if (!list) {
        for (; count < installed(); count++) gpus[count] = count;
        return count;
    }
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", list);
    for (char *entry = strtok(copy, ","); entry; entry = strtok(NULL, ",")) {
        long gpu = named(entry);
        if (gpu < 0) break;
        for (long before = 0; before < count; before++)
            if (gpus[before] == gpu) return 0;
        gpus[count++] = gpu;
    }
    return count;
}

int cuInit(unsigned flags) {
    long gpus[MOST];
    return visible(gpus) ? 0 : NO_DEVICE;
}

int cuDriverGetVersion(int *version) { *version = (int)said("FAKE_SERVES", 13000); return 0; }

int cuDeviceGetCount(int *count) {
    long gpus[MOST];
    *count = (int)visible(gpus);
    return 0;
}

int cuDeviceGet(int *device, int number) {
    long gpus[MOST];
    visible(gpus);
    *device = (int)gpus[number];
    return 0;
}

int cuDeviceGetName(char *name, int length, int device) { snprintf(name, length, "%s", name_of_all()); return 0; }

int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t)said("FAKE_GB", 80) * 1000000000; return 0; }

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    long capability = said("FAKE_CAPABILITY", 90);
    *value = (int)(attribute == 75 ? capability / 10 : capability % 10);
    return 0;
}

int cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
    memset(uuid, 0, 16);
    uuid[15] = (unsigned char)(device + 1);
    return 0;
}

int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = (unsigned)installed(); return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned number, void **handle) { *handle = (void *)(number + 1L); return 0; }
int nvmlDeviceGetName(void *handle, char *name, unsigned length) { snprintf(name, length, "%s", name_of_all()); return 0; }
int nvmlDeviceGetMigMode(void *handle, unsigned *now, unsigned *later) { *now = *later = said("FAKE_MIG", 0); return 0; }
int nvmlSystemGetDriverVersion(char *version, unsigned length) { snprintf(version, length, "570.86"); return 0; }

int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    long gpu = named(uuid);
    *handle = (void *)(gpu + 1);
    return gpu < 0 ? 6 : 0;
}

int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long *bytes) {
    bytes[0] = (unsigned long long)said("FAKE_GB", 80) * 1000000000;
    bytes[1] = (unsigned long long)said("FAKE_FREE_MB", 70000) * 1000000;
    bytes[2] = bytes[0] - bytes[1];
    return 0;
}
