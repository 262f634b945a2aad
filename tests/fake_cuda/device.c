/* A CUDA device without driver and memory, in place of the runtime and of the driver's library.

It answers what torch asks for tensors without data: one device, streams and events that are always done, and host
memory that counts as pinned. Whatever is not here, cudaMalloc first, is the real runtime's, which refuses without a
driver: so nothing is computed on this device by mistake. */

#include <driver_types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 13000
#define MEMORY ((size_t)80 << 30)
#define PINNED 4096

static void (*waited)(void);
static uintptr_t handle = 4096;
static struct { char *start, *end; } pinned[PINNED];
static int pinnings;

/* Calls back whenever the host waits for the device. */
void fake_cuda_on_wait(void (*call)(void)) { waited = call; }

static cudaError_t wait_for_device(void) {
    if (waited) waited();
    return cudaSuccess;
}

static void *new_handle(void) { return (void *)(handle += 16); }

/* The device */

cudaError_t cudaGetDeviceCount(int *count) { *count = 1; return cudaSuccess; }
cudaError_t cudaGetDevice(int *device) { *device = 0; return cudaSuccess; }
cudaError_t cudaSetDevice(int device) { return device ? cudaErrorInvalidDevice : cudaSuccess; }
cudaError_t cudaDriverGetVersion(int *version) { *version = VERSION; return cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int *version) { *version = VERSION; return cudaSuccess; }
cudaError_t cudaMemGetInfo(size_t *free, size_t *total) { *free = *total = MEMORY; return cudaSuccess; }
cudaError_t cudaGetLastError(void) { return cudaSuccess; }
cudaError_t cudaPeekAtLastError(void) { return cudaSuccess; }

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device) {
    memset(properties, 0, sizeof *properties);
    strcpy(properties->name, "fake");
    properties->major = 9;
    properties->totalGlobalMem = MEMORY;
    properties->multiProcessorCount = 132;
    properties->maxThreadsPerMultiProcessor = 2048;
    properties->warpSize = 32;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device) {
    *value = 0;
    return cudaSuccess;
}

cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int other) { *can = 0; return cudaSuccess; }

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
    *least = 0;
    *greatest = -5;
    return cudaSuccess;
}

/* Streams and events */

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority) {
    *stream = new_handle();
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status) {
    *status = cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, enum cudaStreamCaptureStatus *status) {
    *status = cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) { *event = new_handle(); return cudaSuccess; }
cudaError_t cudaEventDestroy(cudaEvent_t event) { return cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t event) { return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) { return cudaSuccess; }
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) { return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) { return cudaSuccess; }
cudaError_t cudaStreamQuery(cudaStream_t stream) { return cudaSuccess; }
cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode) { return cudaSuccess; }

cudaError_t cudaEventSynchronize(cudaEvent_t event) { return wait_for_device(); }
cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return wait_for_device(); }
cudaError_t cudaDeviceSynchronize(void) { return wait_for_device(); }

/* Pinned memory of the host */

cudaError_t cudaHostAlloc(void **start, size_t size, unsigned flags) {
    if (pinnings == PINNED || !(*start = malloc(size))) return cudaErrorMemoryAllocation;
    pinned[pinnings].start = *start;
    pinned[pinnings++].end = (char *)*start + size;
    return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *attributes, const void *pointer) {
    const char *address = pointer;
    memset(attributes, 0, sizeof *attributes);
    attributes->type = cudaMemoryTypeUnregistered;
    for (int i = 0; i < pinnings; i++)
        if (pinned[i].start <= address && address < pinned[i].end) attributes->type = cudaMemoryTypeHost;
    return cudaSuccess;
}

/* The driver */

static int done(void) { return 0; }

cudaError_t cudaGetDriverEntryPointByVersion(
    const char *name, void **function, unsigned version, unsigned long long flags, void *status) {
    *function = (void *)done;
    return cudaSuccess;
}

int cuInit(unsigned flags) { return 0; }

int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
    *flags = 0;
    *active = 1;
    return 0;
}
