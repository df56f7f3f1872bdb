/* What is withheld for its name or for its type. */
#include "../redact.h"
#include "runtime.h"
#include "values.h"

#define NAME_BYTES 128

static bool asked(PyObject *name)
{
    if (!runtime.is_secret_name)
        return false;
    PyObject *answer = PyObject_CallOneArg(runtime.is_secret_name, name);
    bool secret = answer ? PyObject_IsTrue(answer) == 1 : true;
    Py_XDECREF(answer);
    PyErr_Clear();
    return secret;
}

bool scope_is_secret(PyObject *name)
{
    Py_ssize_t size;
    PyObject *owner;
    const char *utf8 = scope_utf8_of(name, NAME_BYTES, &size, &owner);
    bool secret = scope_secret_name(utf8, (size_t)size);
    Py_XDECREF(owner);
    return secret || asked(name);
}

static bool is_secret_bytes(PyObject *name)
{
    Py_ssize_t size = PyBytes_GET_SIZE(name);
    if (size > NAME_BYTES)
        return false;
    if (scope_secret_name(PyBytes_AS_STRING(name), (size_t)size))
        return true;
    PyObject *text = runtime.is_secret_name ? PyUnicode_DecodeLatin1(PyBytes_AS_STRING(name), size, NULL) : NULL;
    bool secret = text && asked(text);
    Py_XDECREF(text);
    PyErr_Clear();
    return secret;
}

bool scope_names_secret(PyObject *name, bool is_option)
{
    if (PyBytes_Check(name))
        return !is_option && is_secret_bytes(name);
    if (!PyUnicode_Check(name) || PyUnicode_GET_LENGTH(name) > NAME_BYTES || PyUnicode_GET_LENGTH(name) < 3)
        return false;
    return (!is_option || PyUnicode_READ_CHAR(name, 0) == '-') && scope_is_secret(name);
}

/* ---- types ---- */

static PyObject *never_types; /* dict, or NULL */

/* The last part of the type's name; a new reference, or NULL (no exception set). */
static PyObject *last_name(const PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        PyObject *name = ((const PyHeapTypeObject *)type)->ht_name;
        return PyUnicode_CheckExact(name) ? Py_NewRef(name) : NULL;
    }
    const char *dot = strrchr(type->tp_name, '.');
    PyObject *name = PyUnicode_FromString(dot ? dot + 1 : type->tp_name);
    PyErr_Clear();
    return name;
}

/* The module of the type, as it says itself. */
static const char *module_of(const PyTypeObject *type)
{
    PyObject *name = type->tp_flags & Py_TPFLAGS_HEAPTYPE ? PyDict_GetItemString(type->tp_dict, "__module__") : NULL;
    const char *module = name && PyUnicode_CheckExact(name) ? PyUnicode_AsUTF8(name) : type->tp_name;
    PyErr_Clear();
    return module ? module : "";
}

static bool is_within(const char *module, PyObject *meant)
{
    const char *prefix = PyUnicode_AsUTF8(meant);
    size_t size = prefix ? strlen(prefix) : 0;
    PyErr_Clear();
    return prefix && strncmp(module, prefix, size) == 0 && (module[size] == 0 || module[size] == '.');
}

static bool is_never(const PyTypeObject *type)
{
    PyObject *name = last_name(type);
    PyObject *modules = name ? PyDict_GetItem(never_types, name) : NULL;
    Py_XDECREF(name);
    for (Py_ssize_t index = 0; modules && index < PyTuple_GET_SIZE(modules); index++)
        if (is_within(module_of(type), PyTuple_GET_ITEM(modules, index)))
            return true;
    return false;
}

bool scope_is_withheld(PyTypeObject *type)
{
    PyObject *mro = never_types ? type->tp_mro : NULL;
    /* the last one is object */
    for (Py_ssize_t index = 0; mro && index + 1 < PyTuple_GET_SIZE(mro); index++)
        if (is_never((PyTypeObject *)PyTuple_GET_ITEM(mro, index)))
            return true;
    return false;
}

static bool are_modules(PyObject *modules)
{
    if (!PyTuple_Check(modules))
        return false;
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(modules); index++)
        if (!PyUnicode_Check(PyTuple_GET_ITEM(modules, index)))
            return false;
    return true;
}

PyObject *scope_set_never_types(PyObject *module, PyObject *types)
{
    (void)module;
    PyObject *name, *modules;
    Py_ssize_t position = 0;
    bool sound = PyDict_Check(types);
    while (sound && PyDict_Next(types, &position, &name, &modules))
        sound = PyUnicode_Check(name) && are_modules(modules);
    if (!sound) {
        PyErr_SetString(PyExc_TypeError, "set_never_types() takes a dict from names to tuples of modules");
        return NULL;
    }
    PyObject *copy = PyDict_Copy(types);
    if (!copy)
        return NULL;
    Py_XSETREF(never_types, copy);
    Py_RETURN_NONE;
}
