/* A span from its beginning to its end. */
#include "open_span.h"

#include "context.h"
#include "emit.h"
#include "request.h"

uint32_t scope_span_site(const RequestObject *request, uint32_t site, PyObject *name)
{
    SessionObject *session = runtime.session;
    if (!session || session->serial != request->serial)
        return 0;
    return scope_session_site(session, site || !PyUnicode_Check(name) ? site : scope_runtime_name(name));
}

scope_buffer scope_span_buffer(const RequestObject *request, uint8_t bytes[SCOPE_SPAN_BYTES])
{
    scope_buffer buffer = scope_buffer_over(bytes, SCOPE_SPAN_BYTES);
    buffer.max_value_bytes = request->session->max_value_bytes;
    buffer.max_attributes = request->session->max_attributes;
    return buffer;
}

static void emit_begin(scope_open_span *self)
{
    uint32_t site = scope_span_site(self->request, self->site, self->name);
    if (self->is_code) {
        scope_emit(self->request, SCOPE_FUNCTION_ENTER, site, self->number, self->parent);
        return;
    }
    uint8_t bytes[SCOPE_SPAN_BYTES];
    scope_buffer buffer = scope_span_buffer(self->request, bytes);
    scope_put_u8(&buffer, self->kind);
    scope_put_u8(&buffer, 0);
    scope_put_masked_text(&buffer, site ? NULL : self->name, 512);
    scope_put_attributes(&buffer, self->attributes);
    scope_emit_payload(self->request, SCOPE_SPAN_BEGIN, site, self->number, self->parent, bytes,
                       scope_buffer_size(&buffer));
}

static void begin_task(scope_open_span *self)
{
    if (self->is_code)
        return; /* functions outside any request are not traced: they would flood */
    self->request = scope_begin_task(self->name, self->attributes);
    self->is_task = true;
    self->number = 1;
}

int scope_span_begin(scope_open_span *self)
{
    ContextObject *context = scope_context();
    if (context && context->suppressed)
        ;
    else if (context && context->request) {
        self->request = (RequestObject *)Py_NewRef((PyObject *)context->request);
        self->number = scope_next_span(self->request);
        self->parent = context->span;
        self->is_task = false; /* used before, outside any request */
        emit_begin(self);
    } else
        begin_task(self);
    Py_CLEAR(self->attributes);
    int result = self->request ? scope_context_become(context, self->request, self->number, false) : 0;
    Py_XDECREF(context);
    return result;
}

static void emit_end(const scope_open_span *self, RequestObject *request, PyObject *error)
{
    uint8_t outcome = scope_outcome_of(error);
    if (outcome == SCOPE_OUTCOME_EXCEPTION)
        scope_record_error(request, self->number, error, true);
    if (self->is_task)
        scope_end_request(request, outcome);
    else if (self->is_code)
        scope_emit(request, SCOPE_FUNCTION_EXIT, scope_span_site(request, self->site, self->name), self->number, outcome);
    else {
        uint8_t payload[8] = {outcome};
        scope_emit_payload(request, SCOPE_SPAN_END, 0, self->number, 0, payload, sizeof payload);
    }
}

void scope_span_finish(scope_open_span *self, PyObject *error)
{
    RequestObject *request = self->request;
    if (!request)
        return;
    self->request = NULL; /* ours alone: another thread may run before this returns */
    emit_end(self, request, error);
    Py_DECREF(request);
}

void scope_span_end(scope_open_span *self, PyObject *error)
{
    RequestObject *request = self->request;
    if (!request)
        return;
    self->request = NULL; /* as above */
    emit_end(self, request, error);
    if (self->is_task) {
        ContextObject *context = scope_context();
        if (context && context->request == request && scope_context_become(context, NULL, 0, false) < 0)
            PyErr_Clear();
        Py_XDECREF(context);
    } else
        scope_context_restore(request, self->number, self->parent);
    Py_DECREF(request);
}
