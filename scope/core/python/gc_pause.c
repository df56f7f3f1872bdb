/* Writes how long the garbage collector held a thread. */
#include "gc_pause.h"

#include "context.h"
#include "emit.h"

uint64_t scope_least_pause_ns = UINT64_C(1000000);

static _Thread_local uint64_t began_ns; /* 0: the beginning was not seen */

static uint64_t counted(PyObject *info, const char *name)
{
    PyObject *value = PyDict_Check(info) ? PyDict_GetItemString(info, name) : NULL;
    uint64_t number = value && PyLong_Check(value) ? PyLong_AsUnsignedLongLongMask(value) : 0;
    PyErr_Clear();
    return number;
}

static void emit_pause(uint64_t now_ns, uint64_t lasted_ns, PyObject *info)
{
    struct {
        uint64_t lasted_ns;
        uint32_t generation, reserved;
        uint64_t collected, uncollectable;
    } payload = {
        .lasted_ns = lasted_ns,
        .generation = (uint32_t)counted(info, "generation"),
        .collected = counted(info, "collected"),
        .uncollectable = counted(info, "uncollectable"),
    };
    ContextObject *context = scope_context();
    if (context && context->request && !context->request->ended)
        scope_emit_payload_at(context->request, now_ns, SCOPE_GC_PAUSE, 0, context->span, 0, &payload, sizeof payload);
    else
        scope_emit_of_process(now_ns, SCOPE_GC_PAUSE, 0, &payload, sizeof payload);
    Py_XDECREF(context);
}

PyObject *scope_gc_pause(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (count != 2 || !PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "gc_pause() takes the phase and what is known of it, as gc.callbacks calls it");
        return NULL;
    }
    uint64_t now_ns = scope_event_now(), since_ns = began_ns;
    began_ns = 0;
    if (PyUnicode_CompareWithASCIIString(args[0], "start") == 0)
        began_ns = now_ns;
    else if (since_ns && now_ns - since_ns >= scope_least_pause_ns)
        emit_pause(now_ns, now_ns - since_ns, args[1]);
    Py_RETURN_NONE;
}
