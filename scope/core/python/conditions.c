/* The table of conditions, and what a request meets of it: conditions.h. */
#include "conditions.h"

#include <fcntl.h>
#include <unistd.h>

#include "../template.h"

enum { METHOD, ROUTE, ID, TICKET, PARTS };

typedef struct {
    PyObject *source; /* strong: what holds the texts; NULL: no condition has this number */
    const char *parts[PARTS]; /* NULL: any */
    uint32_t since; /* serial of the table that had it first */
    bool is_spent; /* its ticket is known to be taken */
} condition;

scope_conditions_state scope_conditions = {1, 0};

static condition table[SCOPE_CONDITIONS_MAX];

static uint64_t bit(unsigned int number)
{
    return UINT64_C(1) << number;
}

/* ---- what a request meets ---- */

static const char *text_of(PyObject *text, Py_ssize_t *size)
{
    const char *bytes = text ? PyUnicode_AsUTF8AndSize(text, size) : NULL;
    PyErr_Clear();
    return bytes;
}

static bool is_method(const condition *wanted, const RequestObject *request)
{
    return request->method && PyUnicode_CompareWithASCIIString(request->method, wanted->parts[METHOD]) == 0;
}

static bool is_route(const condition *wanted, const RequestObject *request)
{
    Py_ssize_t size = 0;
    const char *known = text_of(request->route, &size);
    if (known)
        return scope_template_names(wanted->parts[ROUTE], known);
    /* what a path lets expect is not worth the only ticket */
    const char *path = wanted->parts[TICKET] ? NULL : text_of(request->path, &size);
    return path && scope_template_fits(wanted->parts[ROUTE], path, (size_t)size);
}

static bool is_id(const char *wanted, const RequestObject *request)
{
    size_t size = strlen(wanted);
    if (size == request->id_size && memcmp(wanted, request->id, size) == 0)
        return true;
    char trace[2 * sizeof request->trace_id];
    scope_write_hex(trace, request->trace_id, sizeof request->trace_id);
    return size == sizeof trace && memcmp(wanted, trace, size) == 0;
}

static bool is_met(const condition *wanted, const RequestObject *request)
{
    if (wanted->parts[TICKET] && request->kind == SCOPE_KIND_TASK)
        return false; /* it is for a request */
    return wanted->source && (!wanted->parts[METHOD] || is_method(wanted, request))
        && (!wanted->parts[ROUTE] || is_route(wanted, request)) && (!wanted->parts[ID] || is_id(wanted->parts[ID], request));
}

/* A ticket that the request took stays its own for as long as there is one. */
static bool has_taken(const condition *wanted, const RequestObject *request, unsigned int number)
{
    return request->tickets & bit(number) && wanted->since <= request->conditions_of;
}

static void find_out(RequestObject *request)
{
    uint64_t met = 0, tickets = 0;
    for (unsigned int number = 1; number <= scope_conditions.count; number++) {
        const condition *wanted = &table[number];
        if (wanted->parts[TICKET] && has_taken(wanted, request, number))
            tickets |= bit(number);
        else if (is_met(wanted, request))
            met |= bit(number);
    }
    request->conditions = met | tickets;
    request->tickets = tickets;
    request->conditions_of = scope_conditions.serial;
}

/* ---- tickets ---- */

/* Makes the file that stands for the ticket, with the request's id in it; only one of all processes can. */
static bool make(const char *path, const RequestObject *request)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0)
        return false;
    ssize_t written = write(file, request->id, request->id_size); /* for people; the file itself is what counts */
    (void)written;
    close(file);
    return true;
}

static bool take_ticket(condition *wanted, RequestObject *request, unsigned int number)
{
    if (!wanted->is_spent && make(wanted->parts[TICKET], request))
        request->tickets |= bit(number);
    wanted->is_spent = true;
    if (!(request->tickets & bit(number)))
        request->conditions &= ~bit(number);
    return request->tickets & bit(number);
}

bool scope_condition_met(RequestObject *request, uint8_t number)
{
    if (__builtin_expect(request->conditions_of != scope_conditions.serial, 0))
        find_out(request);
    if (__builtin_expect(!(request->conditions & bit(number)), 1))
        return false;
    if (!table[number].parts[TICKET] || request->tickets & bit(number))
        return true;
    return take_ticket(&table[number], request, number);
}

void scope_conditions_begin(RequestObject *request, PyObject *method, PyObject *path)
{
    if (method && PyUnicode_Check(method))
        request->method = Py_NewRef(method);
    if (path && PyUnicode_Check(path))
        request->path = Py_NewRef(path);
}

void scope_conditions_routed(RequestObject *request)
{
    if (__builtin_expect(request->conditions_of != 0, 0))
        find_out(request);
}

/* ---- the table ---- */

static int read_condition(condition *into, PyObject *source)
{
    *into = (condition){.source = source, .since = scope_conditions.serial + 1};
    if (source == Py_None)
        return 0;
    if (!PyTuple_Check(source) || PyTuple_GET_SIZE(source) != PARTS) {
        PyErr_SetString(PyExc_TypeError, "a condition is (method, route, id, ticket), or None");
        return -1;
    }
    for (int part = 0; part < PARTS; part++) {
        PyObject *text = PyTuple_GET_ITEM(source, part);
        if (text != Py_None && !(into->parts[part] = PyUnicode_AsUTF8AndSize(text, NULL)))
            return -1;
    }
    return 0;
}

/* Conditions that stay keep their numbers, and what is known of their tickets. */
static int read_table(condition into[SCOPE_CONDITIONS_MAX], PyObject *given, Py_ssize_t count)
{
    for (Py_ssize_t index = 0; index < count; index++) {
        condition *before = &table[index + 1];
        PyObject *source = PyTuple_GET_ITEM(given, index);
        int is_same = before->source ? PyObject_RichCompareBool(before->source, source, Py_EQ) : 0;
        if (is_same < 0 || (!is_same && read_condition(&into[index + 1], source) < 0))
            return -1;
        if (is_same)
            into[index + 1] = *before;
    }
    return 0;
}

static void replace_table(condition by[SCOPE_CONDITIONS_MAX], Py_ssize_t count)
{
    PyObject *dropped[SCOPE_CONDITIONS_MAX];
    for (int number = 1; number < SCOPE_CONDITIONS_MAX; number++) {
        dropped[number] = table[number].source;
        if (by[number].source == Py_None)
            by[number] = (condition){0};
        Py_XINCREF(by[number].source);
        table[number] = by[number];
    }
    scope_conditions.count = (uint32_t)count;
    scope_conditions.serial++;
    for (int number = 1; number < SCOPE_CONDITIONS_MAX; number++)
        Py_XDECREF(dropped[number]);
}

PyObject *scope_set_conditions(PyObject *module, PyObject *given)
{
    (void)module;
    condition read[SCOPE_CONDITIONS_MAX] = {0};
    Py_ssize_t count = PyTuple_Check(given) ? PyTuple_GET_SIZE(given) : -1;
    if (count < 0 || count >= SCOPE_CONDITIONS_MAX) {
        PyErr_Format(PyExc_ValueError, "the table of conditions is a tuple of at most %d", SCOPE_CONDITIONS_MAX - 1);
        return NULL;
    }
    if (read_table(read, given, count) < 0)
        return NULL;
    replace_table(read, count);
    Py_RETURN_NONE;
}
