/* The levels of shedding, and which functions they take out: shedding.h. */
#include "shedding.h"

#include "../segment.h"
#include "calls.h"
#include "function.h"
#include "values.h"

#define NAMES_TOLD 16 /* of functions that are taken out, in a trace */
#define ACCOUNTS_MAX 64 /* definitions of them; later traces tell how many functions, not which */

/* scope/model/shedding.py tells the same to people. */
#define NONE UINT32_MAX
static const scope_shedding_step steps[] = {
    {SCOPE_LEVEL_LINES, NONE, NONE, 1}, {SCOPE_LEVEL_VALUES, NONE, NONE, 1}, {SCOPE_LEVEL_TIMING, NONE, NONE, 1},
    {SCOPE_LEVEL_TIMING, 1000, 1000, 1}, {SCOPE_LEVEL_TIMING, 100, 100, 1},  {SCOPE_LEVEL_TIMING, 10, 10, 1},
    {SCOPE_LEVEL_TIMING, 10, 10, 10},   {SCOPE_LEVEL_TIMING, 10, 10, 100},   {SCOPE_LEVEL_OFF, 0, 1, 0},
};
#define LEVELS (sizeof steps / sizeof *steps)

scope_shedding shedding = {.step = {SCOPE_LEVEL_LINES, NONE, NONE, 1}};

static uint32_t *hottest; /* [index of a function]: most calls that one request made of it, where these were too many */
static uint32_t hottest_capacity;
static uint32_t accounts;

bool scope_shed(uint64_t control)
{
    uint8_t before = shedding.level;
    uint32_t took_out = shedding.step.takes_out;
    uint64_t level = control >> SCOPE_CONTROL_SHED_SHIFT & SCOPE_CONTROL_SHED_MASK;
    shedding.level = (uint8_t)(level < LEVELS ? level : LEVELS - 1);
    shedding.share = (uint16_t)(control >> SCOPE_CONTROL_SHARE_SHIFT & SCOPE_CONTROL_SHARE_MASK);
    shedding.step = steps[shedding.level];
    if (!shedding.level && hottest)
        memset(hottest, 0, hottest_capacity * sizeof *hottest);
    scope_apply_call_limits();
    return before != shedding.level && took_out != shedding.step.takes_out;
}

static bool grow_hottest(uint32_t index)
{
    uint32_t capacity = hottest_capacity ? hottest_capacity : 256;
    while (capacity <= index)
        capacity *= 2;
    uint32_t *grown = PyMem_RawRealloc(hottest, capacity * sizeof *grown);
    if (!grown)
        return false;
    memset(grown + hottest_capacity, 0, (capacity - hottest_capacity) * sizeof *grown);
    hottest = grown;
    hottest_capacity = capacity;
    return true;
}

void scope_note_calls(uint32_t index, uint32_t calls)
{
    if (calls <= shedding.step.takes_out || (index >= hottest_capacity && !grow_hottest(index)))
        return;
    runtime.has_news = runtime.has_news || hottest[index] <= shedding.step.takes_out;
    if (calls > hottest[index])
        hottest[index] = calls;
}

bool scope_sampled(PyObject *route)
{
    static uint32_t untold;
    if (shedding.step.one_of <= 1)
        return shedding.step.one_of == 1;
    uint32_t number = route ? scope_runtime_route(route) : 0;
    uint32_t *requests = number ? &runtime.definitions[number - 1].requests : &untold;
    return (*requests)++ % shedding.step.one_of == 0;
}

static PyObject *functions_to_take_out(void)
{
    PyObject *found = PyList_New(0);
    for (uint32_t index = 0; found && index < hottest_capacity; index++) {
        if (hottest[index] <= shedding.step.takes_out)
            continue;
        PyObject *pair = Py_BuildValue("(OI)", scope_calls_name(index), hottest[index]);
        if (!pair || PyList_Append(found, pair) < 0)
            Py_CLEAR(found);
        Py_XDECREF(pair);
    }
    return found;
}

PyObject *scope_tell_shedding(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    PyObject *functions = functions_to_take_out();
    return functions ? Py_BuildValue("(iN)", shedding.level, functions) : NULL;
}

/* The number of a new definition that names the first of them; 0 where there are enough such, or there is no memory. */
static uint32_t define_account(PyObject *names)
{
    PyObject *shown = accounts < ACCOUNTS_MAX ? PyList_GetSlice(names, 0, NAMES_TOLD) : NULL;
    PyObject *attributes = shown ? Py_BuildValue("{sO}", "functions", shown) : NULL;
    uint32_t number = 0;
    if (attributes) {
        uint8_t bytes[8192];
        scope_buffer buffer = scope_buffer_over(bytes, sizeof bytes);
        buffer.max_value_bytes = 256;
        buffer.max_attributes = 1;
        scope_put_attributes(&buffer, attributes);
        number = scope_runtime_define(SCOPE_DEFINE_SHED, bytes, (uint32_t)scope_buffer_size(&buffer));
        accounts++;
    }
    Py_XDECREF(attributes);
    Py_XDECREF(shown);
    PyErr_Clear();
    return number;
}

PyObject *scope_set_taken_out(PyObject *module, PyObject *names)
{
    (void)module;
    if (!PyList_Check(names)) {
        PyErr_SetString(PyExc_TypeError, "set_taken_out() takes a list of names");
        return NULL;
    }
    shedding.taken_out = (uint32_t)PyList_GET_SIZE(names);
    shedding.account = shedding.taken_out ? define_account(names) : 0;
    Py_RETURN_NONE;
}
