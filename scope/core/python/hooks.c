/* Hooks: what stands in for the methods of a framework that every request passes through.
 *
 * They do what has to be done on each request, and call Python for what is learned once: of an application or a route that is
 * met for the first time. Whatever fails in them, the framework's own method is called.
 */
#include "awaiting.h"
#include "request.h"
#include "wrapper.h"

/* Key of an ASGI scope: the templates of the mounts and hosts passed so far, joined. */
#define MOUNTED_KEY "scope.mounted"
#define ARGUMENTS 4 /* the object itself, scope, receive, send */

static PyTypeObject *RouteHookType, *StackHookType;
static PyObject *key_request, *key_mounted, *name_format, *name_route, *name_enter, *name_prepared, *name_prepare;

/* The parts of the two types. */
enum { ROUTE_LEARN, ROUTE_LEARNED, ROUTE_REPORT, ROUTE_WITHIN };
enum { STACK_LEARN, STACK_LEARNED };

static bool is_exchange(PyObject *const *args, size_t flags, PyObject *names)
{
    return PyVectorcall_NARGS(flags) == ARGUMENTS && !names && PyDict_Check(args[1]);
}

/* The request of an ASGI scope, borrowed; NULL where it is not traced. */
static RequestObject *request_in(PyObject *scope)
{
    PyObject *request = PyDict_GetItemWithError(scope, key_request);
    return request && Py_IS_TYPE(request, RequestType) ? (RequestObject *)request : NULL;
}

/* ---- routes ---- */

/* What serves in place of `route`, where its router is included in another: what scope[first][second] holds, if it is made of
 * `route`. A new reference; NULL for nothing, perhaps with an exception set. */
static PyObject *counterpart(PyObject *keys, PyObject *route, PyObject *scope)
{
    PyObject *outer = keys ? PyDict_GetItemWithError(scope, PyTuple_GET_ITEM(keys, 0)) : NULL;
    PyObject *found = outer && PyDict_Check(outer) ? PyDict_GetItemWithError(outer, PyTuple_GET_ITEM(keys, 1)) : NULL;
    if (!found || found == Py_None)
        return NULL;
    Py_INCREF(found);
    PyObject *original = PyObject_GetAttr(found, name_route);
    if (original != route)
        Py_CLEAR(found);
    Py_XDECREF(original);
    return found;
}

/* Has a route that was not met before learned. 0, or -1 with an exception set. */
static int learn(const WrapperObject *self, PyObject *served)
{
    PyObject *learned = PyObject_GetAttr(served, self->parts[ROUTE_LEARNED]);
    int known = learned ? PyObject_IsTrue(learned) : -1;
    Py_XDECREF(learned);
    if (known)
        return known < 0 ? -1 : 0;
    PyObject *done = PyObject_CallOneArg(self->parts[ROUTE_LEARN], served);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* Names the request by the route's template, after those of the mounts that it came through. 0, or -1 with an exception set. */
static int name_request(RequestObject *request, PyObject *served, PyObject *scope)
{
    PyObject *template = PyObject_GetAttr(served, name_format);
    PyObject *mounted = template ? PyDict_GetItemWithError(scope, key_mounted) : NULL;
    if (mounted)
        Py_SETREF(template, PyUnicode_Concat(mounted, template));
    if (template && PyUnicode_Check(template))
        scope_name_route(request, template);
    Py_XDECREF(template);
    return PyErr_Occurred() ? -1 : 0;
}

static int meet_route(const WrapperObject *self, RequestObject *request, PyObject *route, PyObject *scope)
{
    PyObject *keys = self->parts[ROUTE_WITHIN];
    PyObject *included = counterpart(keys, route, scope);
    if (!included && PyErr_Occurred())
        return -1;
    PyObject *served = included ? included : route;
    /* a route that will have its name from the hook of the class above is not named twice */
    int failed = included || !keys ? name_request(request, served, scope) : 0;
    if (failed == 0)
        failed = learn(self, served);
    Py_XDECREF(included);
    return failed;
}

/* Tells of the exception that is set. 0, or -1 where it is none of those that a fault of ours would be. */
static int report(const WrapperObject *self, PyObject *route)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    scope_raised raised = scope_fetch_raised();
    PyObject *done = PyObject_CallFunctionObjArgs(self->parts[ROUTE_REPORT], route, raised.error, NULL);
    Py_XDECREF(done);
    Py_XDECREF(raised.type);
    Py_XDECREF(raised.error);
    Py_XDECREF(raised.traceback);
    PyErr_Clear();
    return 0;
}

static PyObject *route_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    WrapperObject *self = (WrapperObject *)callable;
    RequestObject *request = is_exchange(args, flags, names) ? request_in(args[1]) : NULL;
    if (request && meet_route(self, request, args[0], args[1]) < 0 && report(self, args[0]) < 0)
        return NULL;
    return PyObject_Vectorcall(self->wrapped, args, flags, names);
}

static void set_part(WrapperObject *self, int index, PyObject *part)
{
    self->parts[index] = part == Py_None ? NULL : Py_NewRef(part);
}

static PyObject *route_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *wrapped, *learned, *learns, *reports, *within = Py_None;
    static char *names[] = {"", "", "", "", "", NULL}; /* positional only */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OUOO|O:RouteHook", names, &wrapped, &learned, &learns, &reports, &within))
        return NULL;
    if (within != Py_None && !(PyTuple_Check(within) && PyTuple_GET_SIZE(within) == 2)) {
        PyErr_SetString(PyExc_TypeError, "RouteHook(): the place of an included route is a pair of keys, or None");
        return NULL;
    }
    WrapperObject *self = scope_new_wrapper(type, wrapped, route_call);
    if (!self)
        return NULL;
    Py_INCREF(learned);
    PyUnicode_InternInPlace(&learned);
    self->parts[ROUTE_LEARNED] = learned;
    set_part(self, ROUTE_LEARN, learns);
    set_part(self, ROUTE_REPORT, reports);
    set_part(self, ROUTE_WITHIN, within);
    return (PyObject *)self;
}

/* ---- the outermost middleware of an application ---- */

/* What is known of the stack, learned at the first sight of it; NULL with an exception set. */
static PyObject *stack_of(const WrapperObject *self, PyObject *middleware)
{
    PyObject *stack = PyObject_GetAttr(middleware, self->parts[STACK_LEARNED]);
    if (stack != Py_None)
        return stack;
    Py_DECREF(stack);
    return PyObject_CallOneArg(self->parts[STACK_LEARN], middleware);
}

/* Where a tracer stands outside, the spans inside are yet to be put in place. 0, or -1 with an exception set. */
static int prepare(PyObject *stack, PyObject *middleware)
{
    PyObject *prepared = PyObject_GetAttr(stack, name_prepared);
    PyObject *done = prepared == Py_False ? PyObject_CallMethodOneArg(stack, name_prepare, middleware) : NULL;
    int failed = !prepared || (prepared == Py_False && !done);
    Py_XDECREF(done);
    Py_XDECREF(prepared);
    return failed ? -1 : 0;
}

/* What runs the exchange as a request; None where it is one already, or is to be none. NULL with an exception set. */
static PyObject *way_in(const WrapperObject *self, PyObject *middleware, PyObject *scope)
{
    PyObject *stack = stack_of(self, middleware);
    PyObject *enter = NULL;
    if (stack && !request_in(scope))
        enter = PyObject_GetAttr(stack, name_enter);
    else if (stack && prepare(stack, middleware) == 0)
        enter = Py_NewRef(Py_None);
    Py_XDECREF(stack);
    return enter;
}

static PyObject *stack_call(PyObject *callable, PyObject *const *args, size_t flags, PyObject *names)
{
    WrapperObject *self = (WrapperObject *)callable;
    PyObject *enter = is_exchange(args, flags, names) ? way_in(self, args[0], args[1]) : Py_NewRef(Py_None);
    if (!enter && !PyErr_ExceptionMatches(PyExc_Exception))
        return NULL;
    if (!enter)
        PyErr_WriteUnraisable(callable);
    if (!enter || enter == Py_None) {
        Py_XDECREF(enter);
        return PyObject_Vectorcall(self->wrapped, args, flags, names);
    }
    PyObject *awaitable = PyObject_Vectorcall(enter, args + 1, ARGUMENTS - 1, NULL);
    Py_DECREF(enter);
    return awaitable;
}

static PyObject *stack_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *wrapped, *learned, *learns;
    static char *names[] = {"", "", "", NULL}; /* positional only */
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OUO:StackHook", names, &wrapped, &learned, &learns))
        return NULL;
    WrapperObject *self = scope_new_wrapper(type, wrapped, stack_call);
    if (!self)
        return NULL;
    Py_INCREF(learned);
    PyUnicode_InternInPlace(&learned);
    self->parts[STACK_LEARNED] = learned;
    set_part(self, STACK_LEARN, learns);
    return (PyObject *)self;
}

static int intern_names(void)
{
    struct {
        PyObject **to;
        const char *text;
    } names[] = {
        {&key_request, SCOPE_REQUEST_KEY}, {&key_mounted, MOUNTED_KEY}, {&name_format, "path_format"},
        {&name_route, "original_route"},   {&name_enter, "enter"},          {&name_prepared, "prepared"},
        {&name_prepare, "prepare"},
    };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++)
        if (!(*names[index].to = PyUnicode_InternFromString(names[index].text)))
            return -1;
    return 0;
}

int scope_add_hooks(PyObject *module)
{
    RouteHookType = scope_wrapper_type(module, "scope._core.RouteHook", "Names the request of a route that handles it.",
                                       route_new);
    StackHookType = scope_wrapper_type(module, "scope._core.StackHook", "Opens a request around an application's middlewares.",
                                       stack_new);
    if (!RouteHookType || !StackHookType || PyModule_AddStringConstant(module, "MOUNTED_KEY", MOUNTED_KEY) < 0)
        return -1;
    return intern_names();
}
