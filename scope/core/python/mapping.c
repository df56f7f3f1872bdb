/* Walks from a context to a value and looks for a second owner on the way. What that tells is explained in mapping.h. */
#include "mapping.h"

#include <stdint.h>
#include <string.h>

#define SLOT_BITS 5
#define SLOTS (1 << SLOT_BITS)

typedef struct {
    PyObject_HEAD
    PyObject *previous;
    PyObject *mapping;
} context_layout;

typedef struct {
    PyObject_HEAD
    PyObject *root;
    PyObject *weak_references;
    Py_ssize_t count;
} mapping_layout;

/* Per used slot, in order: a key and its value, or NULL and the node below. */
typedef struct {
    PyObject_VAR_HEAD
    uint32_t used;
    PyObject *pairs[1];
} bitmap_layout;

typedef struct {
    PyObject_HEAD
    PyObject *below[SLOTS];
    Py_ssize_t count;
} array_layout;

static PyTypeObject *bitmap_type, *array_type;
static uint32_t hash; /* of our variable, as the tree folds it */

static PyObject *mapping_of(PyThreadState *thread)
{
    context_layout *context = (context_layout *)thread->context;
    return context ? context->mapping : NULL;
}

/* Bits that are set: what is compiled for any processor would call a function for the built-in. */
static inline unsigned count_bits(uint32_t bits)
{
    bits -= bits >> 1 & UINT32_C(0x55555555);
    bits = (bits & UINT32_C(0x33333333)) + (bits >> 2 & UINT32_C(0x33333333));
    return ((bits + (bits >> 4)) & UINT32_C(0x0F0F0F0F)) * UINT32_C(0x01010101) >> 24;
}

/* References to a value that is held alone: the mapping's and the caller's. */
#define ALONE 2

bool scope_held_alone(PyThreadState *thread, PyObject *value)
{
    PyObject *mapping = mapping_of(thread);
    if (!mapping || Py_REFCNT(mapping) != 1 || Py_REFCNT(value) != ALONE)
        return false;
    PyObject *node = ((mapping_layout *)mapping)->root;
    for (unsigned shift = 0; node && Py_REFCNT(node) == 1; shift += SLOT_BITS) {
        uint32_t slot = hash >> shift & (SLOTS - 1);
        if (Py_IS_TYPE(node, array_type)) {
            node = ((array_layout *)node)->below[slot];
            continue;
        }
        const bitmap_layout *bitmap = (const bitmap_layout *)node;
        if (!Py_IS_TYPE(node, bitmap_type) || !(bitmap->used >> slot & 1))
            return false;
        PyObject *const *pair = bitmap->pairs + 2 * count_bits(bitmap->used & ((UINT32_C(1) << slot) - 1));
        if (pair[0])
            return pair[1] == value;
        node = pair[1];
    }
    return false;
}

/* ---- the trial ---- */

#define FEW 6
#define CROWD 64 /* variables: enough for nodes of both kinds, one below the other */

static uint32_t folded_hash(PyObject *key)
{
    uint64_t whole = (uint64_t)PyObject_Hash(key);
    uint32_t folded = sizeof(Py_hash_t) > 4 ? (uint32_t)whole ^ (uint32_t)(whole >> 32) : (uint32_t)whole;
    return folded == UINT32_MAX ? UINT32_MAX - 1 : folded;
}

static bool set(PyObject *variable, PyObject *value)
{
    PyObject *token = PyContextVar_Set(variable, value);
    Py_XDECREF(token);
    return token != NULL;
}

static bool is_type(const PyTypeObject *type, const char *name, size_t size)
{
    return strcmp(type->tp_name, name) == 0 && type->tp_basicsize == (Py_ssize_t)size;
}

/* The type of the running context's root node; NULL where there is none that we know. */
static PyTypeObject *root_type(const char *name, size_t size)
{
    PyObject *mapping = mapping_of(PyThreadState_Get());
    if (!mapping || !is_type(Py_TYPE(mapping), "hamt", sizeof(mapping_layout)))
        return NULL;
    PyTypeObject *type = Py_TYPE(((mapping_layout *)mapping)->root);
    return is_type(type, name, size) ? type : NULL;
}

/* Whether a copy is noticed: as it is, and when it has gone its own way by setting `other`; and that it is gone. */
static bool tells_copies(PyObject *variable, PyObject *other)
{
    PyThreadState *thread = PyThreadState_Get();
    PyObject *value = PyList_New(0);
    bool told = value && set(variable, value) && scope_held_alone(thread, value);
    PyObject *copy = told ? PyContext_CopyCurrent() : NULL;
    told = copy && !scope_held_alone(thread, value) && PyContext_Enter(copy) == 0;
    if (told) {
        told = set(other, Py_True);
        told = PyContext_Exit(copy) == 0 && told && !scope_held_alone(thread, value);
    }
    Py_XDECREF(copy);
    told = told && scope_held_alone(thread, value);
    Py_XDECREF(value);
    return told;
}

/* Tries it in the running context, which is empty, with few variables and with many. */
static bool try_out(PyObject *variable, PyObject **crowd)
{
    if (!set(variable, Py_None))
        return false;
    bitmap_type = root_type("hamt_bitmap_node", sizeof(bitmap_layout) - sizeof(PyObject *));
    bool told = bitmap_type != NULL;
    for (int number = 0; told && number < FEW; number++)
        told = set(crowd[number], Py_None) && tells_copies(variable, crowd[number / 2]);
    for (int number = FEW; told && number < CROWD; number++)
        told = set(crowd[number], Py_None);
    array_type = told ? root_type("hamt_array_node", sizeof(array_layout)) : NULL;
    told = array_type != NULL;
    for (int number = 0; told && number < CROWD; number++)
        told = tells_copies(variable, crowd[number]);
    return told;
}

static bool try_in_new_context(PyObject *variable)
{
    PyObject *crowd[CROWD] = {NULL};
    PyObject *context = PyContext_New();
    bool told = context != NULL;
    for (int number = 0; told && number < CROWD; number++)
        told = (crowd[number] = PyContextVar_New("scope.trial", NULL)) != NULL;
    if (told && PyContext_Enter(context) == 0) {
        told = PyThreadState_Get()->context == context && try_out(variable, crowd);
        told = PyContext_Exit(context) == 0 && told;
    }
    Py_XDECREF(context);
    for (int number = 0; number < CROWD; number++)
        Py_XDECREF(crowd[number]);
    return told;
}

bool scope_mapping_prepare(PyObject *variable)
{
#if defined(Py_GIL_DISABLED) || PY_VERSION_HEX >= 0x030F0000
    (void)variable;
    return false; /* reference counts are split between threads; a layout that nobody has looked at */
#else
    hash = folded_hash(variable);
    bool known = try_in_new_context(variable);
    PyErr_Clear();
    return known;
#endif
}
