/* The module scope._core: its functions about the process, and the types of the other files. */
#include "../event_clock.h"
#include "call_values.h"
#include "calls.h"
#include "conditions.h"
#include "context.h"
#include "emit.h"
#include "gc_pause.h"
#include "loop.h"
#include "outside.h"
#include "readers.h"
#include "redacted.h"
#include "request.h"
#include "shedding.h"
#include "values.h"

int scope_add_span(PyObject *module);
int scope_add_probe(PyObject *module);
int scope_add_handler(PyObject *module);
int scope_add_hooks(PyObject *module);
int scope_add_code_probe(PyObject *module);
int scope_add_monitoring(PyObject *module);

scope_runtime runtime;

static PyObject *set_session(PyObject *module, PyObject *session)
{
    (void)module;
    if (session != Py_None && !Py_IS_TYPE(session, SessionType)) {
        PyErr_Format(PyExc_TypeError, "set_session() takes a Session or None, not %s", Py_TYPE(session)->tp_name);
        return NULL;
    }
    if (session != Py_None && ((SessionObject *)session)->serial == 0) {
        PyErr_SetString(PyExc_ValueError, "set_session(): the session is closed");
        return NULL;
    }
    Py_XSETREF(runtime.session, session == Py_None ? NULL : (SessionObject *)Py_NewRef(session));
    Py_RETURN_NONE;
}

static PyObject *get_session(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return Py_NewRef(runtime.session ? (PyObject *)runtime.session : Py_None);
}

/* Puts a callable, or nothing for None, into a slot of the runtime. */
static PyObject *set_hook(PyObject **slot, PyObject *hook, const char *name)
{
    if (hook != Py_None && !PyCallable_Check(hook)) {
        PyErr_Format(PyExc_TypeError, "%s() takes a callable or None, not %s", name, Py_TYPE(hook)->tp_name);
        return NULL;
    }
    Py_XSETREF(*slot, hook == Py_None ? NULL : Py_NewRef(hook));
    Py_RETURN_NONE;
}

static PyObject *set_starter(PyObject *module, PyObject *hook)
{
    (void)module;
    runtime.start_failed = false;
    return set_hook(&runtime.starter, hook, "set_starter");
}

static PyObject *set_complain(PyObject *module, PyObject *hook)
{
    (void)module;
    return set_hook(&runtime.complain, hook, "set_complain");
}

static PyObject *set_describe(PyObject *module, PyObject *hook)
{
    (void)module;
    return set_hook(&runtime.describe, hook, "set_describe");
}

static PyObject *set_secret_names(PyObject *module, PyObject *hook)
{
    (void)module;
    return set_hook(&runtime.is_secret_name, hook, "set_secret_names");
}

static PyObject *set_steered(PyObject *module, PyObject *hook)
{
    (void)module;
    return set_hook(&runtime.steered, hook, "set_steered");
}

/* start(): begins a session by the starter, where there is none; whether there is one now. */
static PyObject *start(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyBool_FromLong(scope_ensure_session() != NULL);
}

/* pause(paused): whether requests and tasks may begin. */
static PyObject *pause_capture(PyObject *module, PyObject *paused)
{
    (void)module;
    int answer = PyObject_IsTrue(paused);
    if (answer < 0)
        return NULL;
    runtime.paused = answer;
    Py_RETURN_NONE;
}

/* say_goodbye(): nothing where there is no session. */
static PyObject *say_goodbye(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    scope_emit_of_process(scope_event_now(), SCOPE_SHUTDOWN, 0, NULL, 0);
    Py_RETURN_NONE;
}

/* define_code(module, qualname, file, line, kind) -> number */
static PyObject *define_code(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *name, *qualname, *file;
    unsigned int line;
    unsigned char kind;
    if (!PyArg_ParseTuple(args, "UUUIb:define_code", &name, &qualname, &file, &line, &kind))
        return NULL;
    uint8_t bytes[2048];
    scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
    scope_put_text(&buffer, name, 256);
    scope_put_text(&buffer, qualname, 256);
    scope_put_text(&buffer, file, 1024);
    scope_put_u32(&buffer, line);
    scope_put_u8(&buffer, kind);
    uint32_t number = scope_runtime_define(SCOPE_DEFINE_CODE, bytes, (uint32_t)scope_buffer_size(&buffer));
    return PyLong_FromUnsignedLong(number);
}

static PyMethodDef functions[] = {
    {"set_session", set_session, METH_O, "Make a session the one that this process writes to."},
    {"get_session", get_session, METH_NOARGS, "The session that this process writes to, or None."},
    {"set_starter", set_starter, METH_O, "What makes a session on the first request without one."},
    {"set_complain", set_complain, METH_O, "What says, once for each session, that memory for events is short."},
    {"set_describe", set_describe, METH_O, "What turns an exception into (type, message, frames)."},
    {"set_secret_names", set_secret_names, METH_O, "What says whether an attribute's name is secret, beyond the built-in."},
    {"set_steered", set_steered, METH_O, "What is called when other functions are to be recorded."},
    {"start", start, METH_NOARGS, "Begin a session by the starter where there is none; whether there is one."},
    {"pause", pause_capture, METH_O, "Begin no request and no task while it is true; those under way go on."},
    {"set_conditions", scope_set_conditions, METH_O, "Which requests conditional probes are about."},
    {"set_value_limits", scope_set_value_limits, METH_VARARGS, "How many bytes of a value, and of a call's values, are recorded."},
    {"set_never_types", scope_set_never_types, METH_O, "Withholds values of these types, and of those derived from them."},
    {"set_call_limits", scope_set_call_limits, METH_VARARGS, "How many calls of instrumented functions a request may record."},
    {"set_least", scope_set_least, METH_VARARGS, "How long what no request did, and a pause, must be to be recorded."},
    {"say_goodbye", say_goodbye, METH_NOARGS, "For atexit: records that the process is about to end."},
    {"gc_pause", (PyCFunction)(void (*)(void))scope_gc_pause, METH_FASTCALL, "For gc.callbacks: records long collections."},
    {"redact", scope_redacted, METH_O, "A text without what has the name or the shape of a secret."},
    {"shedding", scope_tell_shedding, METH_NOARGS, "What is shed: the level, and functions that are to be taken out."},
    {"set_taken_out", scope_set_taken_out, METH_O, "Which functions are taken out now."},
    {"define_code", define_code, METH_VARARGS, "A process-wide number for a code site."},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module)
{
    static bool loaded;
    if (loaded) {
        PyErr_SetString(PyExc_ImportError, "scope._core is already loaded in another interpreter of this process");
        return -1;
    }
    loaded = true;
    runtime.names = PyDict_New();
    runtime.routes = PyDict_New();
    if (!runtime.names || !runtime.routes)
        return -1;
    scope_event_clock_init(&scope_events_clock);
    if (scope_add_session(module) < 0 || scope_add_context(module) < 0 || scope_add_request(module) < 0)
        return -1;
    if (scope_add_asgi(module) < 0 || scope_add_exchange(module) < 0 || scope_add_span(module) < 0)
        return -1;
    if (scope_add_probe(module) < 0 || scope_add_handler(module) < 0 || scope_add_hooks(module) < 0
        || scope_add_loop(module) < 0)
        return -1;
    if (scope_add_code_probe(module) < 0 || scope_add_monitoring(module) < 0 || scope_add_bundle(module) < 0
        || scope_add_columns(module) < 0)
        return -1;
    return scope_add_segment(module) < 0 ? -1 : scope_add_correlator(module);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "scope._core",
    .m_doc = "Ring, probes, context and correlation.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&definition);
}
