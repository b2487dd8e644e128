/* A stand-in for libcuda where there is no GPU: device memory is host memory, and work on a stream
 * waits until somebody synchronises, so that a missing wait shows as a wrong result.
 *
 * What it checks: a context must be current in the calling thread; memory must be freed once;
 * nothing may be left at exit. Calls may come from several threads, as to the real driver.
 * SIM_CUDA_DEVICES, SIM_CUDA_MEMORY (bytes) and SIM_CUDA_NO_GRAPHS change the machine;
 * SIM_CUDA_CAPTURED_COPY is the error of copies to the host that are being recorded, 900 and more
 * of which spoil the recording; SIM_CUDA_REPORT names the file that gets the balance at exit.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int Status;
enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100,
       INVALID_DEVICE = 101, INVALID_CONTEXT = 201, NOT_READY = 600, NOT_SUPPORTED = 801,
       CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901 };
enum { MAX_STACK = 16, MAX_BLOCKS = 4096 };

typedef struct Op { int kind; void *to; const void *from; size_t size;
                    void (*call)(void *); void *argument; struct Op *next; } Op;
typedef struct { Op *first, *last; } Queue;
typedef struct { Queue queue, captured; int capturing, spoilt, busy;
                 long enqueued, performed; } Stream;
typedef struct { Queue captured; } Graph;
typedef struct { Stream *stream; long ticket; } Event;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t performed_one = PTHREAD_COND_INITIALIZER;
static _Atomic int initialised, retained, streams, events, graphs, executables;
static void *blocks[MAX_BLOCKS];
static size_t sizes[MAX_BLOCKS], used;
static int on_host[MAX_BLOCKS];
static int context_object;
static __thread int depth;
static __thread void *stack[MAX_STACK];

static long setting(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text ? atol(text) : otherwise;
}
static void *primary(void) { return &context_object; }
static int is_current(void) { return depth > 0 && retained > 0; }
#define NEED_CONTEXT if (!is_current()) return INVALID_CONTEXT

Status cuInit(unsigned flags) {
  if (setting("SIM_CUDA_DEVICES", 1) == 0) return NO_DEVICE;
  initialised = 1;
  return OK;
}
Status cuDriverGetVersion(int *version) { *version = 12060; return OK; }
Status cuDeviceGetCount(int *count) {
  if (!initialised) return NOT_INITIALIZED;
  *count = (int)setting("SIM_CUDA_DEVICES", 1);
  return OK;
}
Status cuDeviceGet(int *device, int ordinal) {
  if (!initialised) return NOT_INITIALIZED;
  if (ordinal < 0 || ordinal >= setting("SIM_CUDA_DEVICES", 1)) return INVALID_DEVICE;
  *device = ordinal;
  return OK;
}
Status cuDeviceGetName(char *name, int size, int device) {
  snprintf(name, (size_t)size, "simulated GPU %d", device);
  return OK;
}
Status cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? 8 : attribute == 76 ? 7 : 0;
  return OK;
}
Status cuGetErrorName(Status status, const char **name) {
  *name = status == NO_DEVICE ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR";
  return OK;
}
Status cuGetErrorString(Status status, const char **text) {
  *text = status == OUT_OF_MEMORY ? "out of memory"
        : status == NO_DEVICE ? "no CUDA-capable device is detected"
        : status == INVALID_CONTEXT ? "invalid device context" : "an error";
  return OK;
}

Status cuDevicePrimaryCtxRetain(void **context, int device) {
  if (setting("SIM_CUDA_REFUSE_CONTEXT", 0)) return OUT_OF_MEMORY;
  retained++;
  *context = primary();
  return OK;
}
Status cuDevicePrimaryCtxRelease_v2(int device) { retained--; return OK; }
Status cuCtxPushCurrent_v2(void *context) {
  if (context != primary() || depth == MAX_STACK) return INVALID_CONTEXT;
  stack[depth++] = context;
  return OK;
}
Status cuCtxPopCurrent_v2(void **context) {
  if (!depth) return INVALID_CONTEXT;
  *context = stack[--depth];
  return OK;
}
Status cuCtxGetDevice(int *device) { NEED_CONTEXT; *device = 0; return OK; }

static Status allocate(void **pointer, size_t size, int host) {
  NEED_CONTEXT;
  pthread_mutex_lock(&lock);
  Status status = OUT_OF_MEMORY;
  size_t limit = (size_t)setting("SIM_CUDA_MEMORY", 1L << 30);
  for (int i = 0; i < MAX_BLOCKS && (host || used + size <= limit); i++)
    if (!blocks[i]) {
      blocks[i] = *pointer = calloc(1, size ? size : 1);
      sizes[i] = size;
      on_host[i] = host;
      used += host ? 0 : size;
      status = OK;
      break;
    }
  pthread_mutex_unlock(&lock);
  return status;
}
static Status release(void *pointer, int host) {
  NEED_CONTEXT;
  pthread_mutex_lock(&lock);
  Status status = INVALID_VALUE;
  for (int i = 0; i < MAX_BLOCKS; i++)
    if (pointer && blocks[i] == pointer && on_host[i] == host) {
      free(pointer);
      blocks[i] = NULL;
      used -= host ? 0 : sizes[i];
      status = OK;
      break;
    }
  pthread_mutex_unlock(&lock);
  return status;
}
Status cuMemAlloc_v2(void **pointer, size_t size) { return allocate(pointer, size, 0); }
Status cuMemFree_v2(void *pointer) { return release(pointer, 0); }
Status cuMemHostAlloc(void **pointer, size_t size, unsigned flags) {
  return allocate(pointer, size, 1);
}
Status cuMemFreeHost(void *pointer) { return release(pointer, 1); }

static void append(Queue *queue, Op *op) {
  if (queue->last) queue->last->next = op; else queue->first = op;
  queue->last = op;
}
static Status enqueue(Stream *stream, Op op) {
  NEED_CONTEXT;
  if (!stream) return INVALID_VALUE;
  Op *copy = malloc(sizeof op);
  *copy = op;
  copy->next = NULL;
  pthread_mutex_lock(&lock);
  append(stream->capturing ? &stream->captured : &stream->queue, copy);
  stream->enqueued += !stream->capturing;
  pthread_mutex_unlock(&lock);
  return OK;
}
static void perform(const Op *op) {
  if (op->kind) op->call(op->argument); else memcpy(op->to, op->from, op->size);
}
static void clear(Queue *queue) {
  for (Op *op = queue->first, *next; op; op = next) { next = op->next; free(op); }
  queue->first = queue->last = NULL;
}
static Op *take(Queue *queue) {
  Op *op = queue->first;
  queue->first = op->next;
  if (!op->next) queue->last = NULL;
  return op;
}
/* Not locked while an operation runs: it may want Python, which another caller may hold. */
static Status drain(Stream *stream, long ticket) {
  pthread_mutex_lock(&lock);
  Status status = stream->capturing ? INVALID_VALUE : OK;
  while (!status && stream->performed < ticket) {
    if (stream->busy) {
      pthread_cond_wait(&performed_one, &lock);
      continue;
    }
    Op *op = take(&stream->queue);
    stream->busy = 1;
    pthread_mutex_unlock(&lock);
    perform(op);
    free(op);
    pthread_mutex_lock(&lock);
    stream->busy = 0;
    stream->performed++;
    pthread_cond_broadcast(&performed_one);
  }
  pthread_mutex_unlock(&lock);
  return status;
}
static long count_enqueued(Stream *stream) {
  pthread_mutex_lock(&lock);
  long count = stream->enqueued;
  pthread_mutex_unlock(&lock);
  return count;
}
/* What a TensorRT stand-in calls in place of launching kernels. */
Status simLaunch(Stream *stream, void (*call)(void *), void *argument) {
  return enqueue(stream, (Op){1, NULL, NULL, 0, call, argument, NULL});
}
Status cuStreamCreate(Stream **stream, unsigned flags) {
  NEED_CONTEXT;
  *stream = calloc(1, sizeof(Stream));
  streams++;
  return OK;
}
Status cuStreamDestroy_v2(Stream *stream) {
  NEED_CONTEXT;
  clear(&stream->queue);
  free(stream);
  streams--;
  return OK;
}
Status cuStreamSynchronize(Stream *stream) {
  NEED_CONTEXT;
  return drain(stream, count_enqueued(stream));
}
Status cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t size, Stream *stream) {
  return enqueue(stream, (Op){0, to, from, size, NULL, NULL, NULL});
}
Status cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t size, Stream *stream) {
  Status fault = (Status)setting("SIM_CUDA_CAPTURED_COPY", OK);
  pthread_mutex_lock(&lock);
  int fails = fault && stream->capturing;
  if (fails) stream->spoilt = fault >= CAPTURE_UNSUPPORTED;
  pthread_mutex_unlock(&lock);
  if (fails) return fault;
  return enqueue(stream, (Op){0, to, from, size, NULL, NULL, NULL});
}

Status cuEventCreate(Event **event, unsigned flags) {
  NEED_CONTEXT;
  *event = calloc(1, sizeof(Event));
  events++;
  return OK;
}
Status cuEventDestroy_v2(Event *event) { NEED_CONTEXT; free(event); events--; return OK; }
Status cuEventRecord(Event *event, Stream *stream) {
  NEED_CONTEXT;
  pthread_mutex_lock(&lock);
  event->stream = stream;
  event->ticket = stream->enqueued;
  pthread_mutex_unlock(&lock);
  return OK;
}
Status cuEventSynchronize(Event *event) {
  NEED_CONTEXT;
  pthread_mutex_lock(&lock);
  Event copy = *event;
  pthread_mutex_unlock(&lock);
  return copy.stream ? drain(copy.stream, copy.ticket) : OK;
}

Status cuStreamBeginCapture_v2(Stream *stream, int mode) {
  NEED_CONTEXT;
  if (setting("SIM_CUDA_NO_GRAPHS", 0)) return NOT_SUPPORTED;
  pthread_mutex_lock(&lock);
  Status status = stream->capturing ? INVALID_VALUE : OK;
  stream->capturing = 1;
  pthread_mutex_unlock(&lock);
  return status;
}
Status cuStreamEndCapture(Stream *stream, Graph **graph) {
  NEED_CONTEXT;
  pthread_mutex_lock(&lock);
  Status status = !stream->capturing ? INVALID_VALUE : stream->spoilt ? CAPTURE_INVALIDATED : OK;
  Queue captured = stream->captured;
  stream->captured = (Queue){NULL, NULL};
  stream->capturing = stream->spoilt = 0;
  pthread_mutex_unlock(&lock);
  *graph = NULL;
  if (status) {
    clear(&captured);
    return status;
  }
  *graph = calloc(1, sizeof(Graph));
  (*graph)->captured = captured;
  graphs++;
  return OK;
}
Status cuGraphInstantiateWithFlags(Graph **executable, Graph *graph, unsigned long long flags) {
  *executable = calloc(1, sizeof(Graph));
  (*executable)->captured = graph->captured;
  graph->captured = (Queue){NULL, NULL};
  executables++;
  return OK;
}
Status cuGraphDestroy(Graph *graph) { clear(&graph->captured); free(graph); graphs--; return OK; }
Status cuGraphExecDestroy(Graph *graph) {
  clear(&graph->captured);
  free(graph);
  executables--;
  return OK;
}
Status cuGraphLaunch(Graph *graph, Stream *stream) {
  for (const Op *op = graph->captured.first; op; op = op->next) {
    Status status = enqueue(stream, *op);
    if (status) return status;
  }
  return OK;
}

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("SIM_CUDA_REPORT");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  int left = 0;
  for (int i = 0; i < MAX_BLOCKS; i++) left += blocks[i] != NULL;
  fprintf(file, "{\"blocks\": %d, \"contexts\": %d, \"streams\": %d, \"events\": %d, "
          "\"graphs\": %d, \"executables\": %d}", left, retained, streams, events, graphs,
          executables);
  fclose(file);
}
#include "unused.h"
