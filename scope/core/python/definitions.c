/* The definitions of the process: names, routes and code sites, and what a session's segment calls them. */
#include "runtime.h"
#include "values.h"

#define RETRY_EVERY 1024 /* uses of a definition without room, until it is tried again */

uint32_t scope_runtime_define(uint8_t kind, const uint8_t *payload, uint32_t length)
{
    if (runtime.definition_count == SCOPE_DEFINITIONS_MAX)
        return 0;
    if (runtime.definition_count == runtime.definition_capacity) {
        uint32_t capacity = runtime.definition_capacity ? runtime.definition_capacity * 2 : 256;
        void *grown = PyMem_RawRealloc(runtime.definitions, capacity * sizeof *runtime.definitions);
        if (!grown)
            return 0;
        runtime.definitions = grown;
        runtime.definition_capacity = capacity;
    }
    uint8_t *copy = PyMem_RawMalloc(length ? length : 1);
    if (!copy)
        return 0;
    memcpy(copy, payload, length);
    scope_definition_entry made = {.payload = copy, .length = length, .kind = kind};
    runtime.definitions[runtime.definition_count] = made;
    return ++runtime.definition_count;
}

static uint32_t number_of(PyObject *table, uint8_t kind, PyObject *text)
{
    if (!PyUnicode_CheckExact(text))
        return 0;
    PyObject *known = PyDict_GetItemWithError(table, text);
    if (known)
        return (uint32_t)PyLong_AsUnsignedLong(known);
    uint8_t buffer[1024];
    scope_buffer payload = scope_buffer_over(buffer, sizeof buffer);
    scope_put_masked_text(&payload, text, 512);
    uint32_t number = payload.overflow ? 0 : scope_runtime_define(kind, buffer, (uint32_t)scope_buffer_size(&payload));
    PyObject *value = PyLong_FromUnsignedLong(number);
    /* a name that could not be defined is not remembered: user data used as names must not grow the table */
    if (value && number && PyDict_SetItem(table, text, value) < 0)
        PyErr_Clear();
    Py_XDECREF(value);
    PyErr_Clear();
    return number;
}

uint32_t scope_runtime_name(PyObject *name)
{
    return number_of(runtime.names, SCOPE_DEFINE_NAME, name);
}

uint32_t scope_runtime_route(PyObject *template)
{
    return number_of(runtime.routes, SCOPE_DEFINE_ROUTE, template);
}

#define RECENT_CODES 64 /* a power of two: so many code objects are kept, and found without a look at their place */

enum { FUNCTION, COROUTINE, GENERATOR, ASYNC_GENERATOR }; /* kinds of function, as the wire has them */

static uint8_t function_kind(const PyCodeObject *code)
{
    if (code->co_flags & CO_COROUTINE)
        return COROUTINE;
    if (code->co_flags & CO_ASYNC_GENERATOR)
        return ASYNC_GENERATOR;
    return code->co_flags & CO_GENERATOR ? GENERATOR : FUNCTION;
}

static uint32_t define_code(const PyCodeObject *code, PyObject *module)
{
    uint8_t bytes[2048];
    scope_buffer payload = scope_buffer_over(bytes, sizeof bytes);
    PyObject *nowhere = PyUnicode_FromString("");
    scope_put_text(&payload, module && PyUnicode_Check(module) ? module : nowhere, 256);
    scope_put_text(&payload, code->co_qualname, 256);
    scope_put_text(&payload, code->co_filename, 1024);
    scope_put_u32(&payload, (uint32_t)code->co_firstlineno);
    scope_put_u8(&payload, function_kind(code));
    Py_XDECREF(nowhere);
    return scope_runtime_define(SCOPE_DEFINE_CODE, bytes, (uint32_t)scope_buffer_size(&payload));
}

/* Known by where it stands and not by the object, which would be kept for good. */
static uint32_t number_of_code(PyObject *code, PyObject *module)
{
    const PyCodeObject *known_as = (PyCodeObject *)code;
    PyObject *place = Py_BuildValue("(OOi)", known_as->co_filename, known_as->co_qualname, known_as->co_firstlineno);
    PyObject *known = place ? PyDict_GetItemWithError(runtime.names, place) : NULL;
    uint32_t number = known ? (uint32_t)PyLong_AsUnsignedLong(known) : 0;
    if (place && !known && (number = define_code(known_as, module))) {
        PyObject *value = PyLong_FromUnsignedLong(number);
        if (value)
            PyDict_SetItem(runtime.names, place, value);
        Py_XDECREF(value);
    }
    Py_XDECREF(place);
    PyErr_Clear();
    return number;
}

uint32_t scope_runtime_code(PyObject *code, PyObject *module)
{
    static struct {
        PyObject *code; /* strong */
        uint32_t number;
    } recent[RECENT_CODES];
    uint32_t at = (uint32_t)((uintptr_t)code >> 6) & (RECENT_CODES - 1);
    if (recent[at].code == code)
        return recent[at].number;
    uint32_t number = number_of_code(code, module);
    if (number) {
        recent[at].number = number;
        Py_XSETREF(recent[at].code, Py_NewRef(code));
    }
    return number;
}

static bool grow_sites(SessionObject *session, uint32_t number)
{
    size_t capacity = session->site_capacity ? session->site_capacity : 256;
    while (capacity <= number)
        capacity *= 2;
    uint32_t *grown = PyMem_RawRealloc(session->site_numbers, capacity * sizeof *grown);
    if (!grown)
        return false;
    memset(grown + session->site_capacity, 0, (capacity - session->site_capacity) * sizeof *grown);
    session->site_numbers = grown;
    session->site_capacity = capacity;
    return true;
}

uint32_t scope_session_site_slow(SessionObject *session, uint32_t number)
{
    if (number > runtime.definition_count || (number >= session->site_capacity && !grow_sites(session, number)))
        return 0;
    scope_definition_entry *entry = &runtime.definitions[number - 1];
    if (entry->refused_by == session->serial
        && (++entry->uses % RETRY_EVERY || !scope_can_define(&session->segment, entry->length)))
        return 0; /* counted when it was refused first */
    uint32_t written = scope_define(&session->segment, entry->kind, entry->payload, entry->length);
    if (!written)
        entry->refused_by = session->serial;
    return session->site_numbers[number] = written;
}
