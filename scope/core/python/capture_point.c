/* What stands in a function whose values are recorded: `return (RESULT @ value)[0]`, and before statements `LOCALS @ line` and
 * `LINE @ line`. Each finds the call by its frame, and none has an effect on the function. The first gives a tuple of the value,
 * for it may be NotImplemented, which the interpreter takes for an operation that there is not.
 */
#include "activation.h"
#include "call_values.h"
#include "point.h"
#include "request.h"
#include "span.h"

static PyTypeObject *CapturePointType;

enum role { RESULT, LOCALS, LINE };

/* Where the call's records belong; false where it is no longer recorded. */
static bool place_of(ActivationObject *self, RequestObject **request, uint32_t *span)
{
    if (self->steps)
        return scope_steps_place(self->steps, request, span);
    *request = self->call.request;
    *span = self->call.span;
    return *request != NULL;
}

/* ---- from the first instruction to the last ---- */

void scope_capture_begin(ActivationObject *self, CodeProbeObject *probe, PyObject *arguments)
{
    RequestObject *request;
    uint32_t span;
    if (!place_of(self, &request, &span))
        return;
    self->captured = (captured_call){.probe = (CodeProbeObject *)Py_NewRef((PyObject *)probe)};
    if (!self->frame)
        scope_remember(self);
    scope_record_arguments(request, span, probe->arguments, &PyTuple_GET_ITEM(arguments, 0), PyTuple_GET_SIZE(arguments));
}

static void record_result(ActivationObject *self, enum scope_values what, PyObject *value)
{
    RequestObject *request;
    uint32_t span;
    if (place_of(self, &request, &span))
        scope_record_result(request, span, what, self->captured.probe->name, value);
}

static void record_locals(ActivationObject *self, enum scope_values what, uint32_t line)
{
    RequestObject *request;
    uint32_t span;
    if (self->call.level >= SCOPE_LEVEL_LOCALS && place_of(self, &request, &span))
        scope_record_locals(request, span, what, line);
}

/* What recording takes is no line's time. */
static void stop_lines(ActivationObject *self)
{
    if (self->captured.lines)
        scope_lines_stop(self->captured.lines);
}

void scope_capture_end(ActivationObject *self, PyObject *error)
{
    stop_lines(self);
    uint8_t outcome = scope_outcome_of(error);
    RequestObject *request;
    uint32_t span;
    if (outcome == SCOPE_OUTCOME_OK && !self->captured.has_result)
        record_result(self, SCOPE_VALUES_RESULT, Py_None);
    if (outcome == SCOPE_OUTCOME_OK || outcome == SCOPE_OUTCOME_EXCEPTION)
        record_locals(self, outcome ? SCOPE_VALUES_LOCALS_AT_ERROR : SCOPE_VALUES_LOCALS, 0);
    if (self->captured.lines && place_of(self, &request, &span))
        scope_record_lines(self->captured.lines, request, span);
    scope_capture_clear(self);
}

void scope_capture_clear(ActivationObject *self)
{
    scope_lines_free(self->captured.lines);
    self->captured.lines = NULL;
    Py_CLEAR(self->captured.probe);
    if (!self->steps)
        scope_forget(self);
}

/* ---- generators ---- */

void scope_capture_yielded(ActivationObject *self, PyObject *value)
{
    stop_lines(self);
    if (self->captured.yielded < SCOPE_YIELDED_MAX) {
        self->captured.yielded++;
        record_result(self, SCOPE_VALUES_YIELDED, value);
    }
}

void scope_capture_resumed(ActivationObject *self)
{
    if (self->captured.lines)
        scope_lines_resume(self->captured.lines);
}

/* ---- points ---- */

void scope_capture_result(ActivationObject *self, PyObject *value)
{
    stop_lines(self);
    self->captured.has_result = true;
    record_result(self, SCOPE_VALUES_RESULT, value);
}

static void pass_line(ActivationObject *self, uint32_t line)
{
    if (self->call.level < SCOPE_LEVEL_LINES)
        return;
    if (!self->captured.lines)
        self->captured.lines = scope_lines_new(line);
    if (self->captured.lines)
        scope_lines_at(self->captured.lines, line);
}

static void pass_locals(ActivationObject *self, uint32_t line)
{
    if (self->captured.looks == SCOPE_LOCALS_MAX)
        return;
    stop_lines(self);
    self->captured.looks++;
    record_locals(self, SCOPE_VALUES_LOCALS, line);
}

static void see(ActivationObject *self, enum role role, PyObject *value)
{
    if (role == RESULT)
        scope_capture_result(self, value);
    else if (role == LOCALS)
        pass_locals(self, (uint32_t)PyLong_AsUnsignedLongMask(value));
    else
        pass_line(self, (uint32_t)PyLong_AsUnsignedLongMask(value));
}

static PyObject *pass(PyObject *point, PyObject *value)
{
    if (!Py_IS_TYPE(point, CapturePointType))
        Py_RETURN_NOTIMPLEMENTED;
    ActivationObject *self = scope_open_call(scope_current_frame());
    enum role role = (enum role)((PointObject *)point)->role;
    if (self && self->captured.probe)
        see(self, role, value);
    return role == RESULT ? PyTuple_Pack(1, value) : Py_NewRef(value);
}

int scope_add_capture_points(PyObject *module)
{
    static const char *const names[] = {"RESULT", "LOCALS", "LINE", NULL};
    CapturePointType = scope_point_type(module, "scope._core.CapturePoint",
                                        "Stands where values of an instrumented function are recorded.", pass);
    return CapturePointType ? scope_add_points(module, CapturePointType, names) : -1;
}
