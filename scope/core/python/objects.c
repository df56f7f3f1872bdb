/* Objects to bytes: what is known of their types, and their attributes as the interpreter stores them.
 *
 * Attributes are read from the instance's dict and from its slots, never through the class: no descriptor, property or
 * `__getattribute__` of the application's runs. Types written in Python are recognised by module and name.
 */
#include "runtime.h"
#include "value_tags.h"
#include "values.h"

#define MAX_ATTRIBUTES 32
#define MAX_LOOKED_AT 256 /* names, private ones too */
#define MAX_BASES 32
#define TYPE_NAME_BYTES 128

/* ---- reading objects ---- */

static bool is_python_class(const PyTypeObject *type)
{
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE && !(type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE);
}

/* Whether the class, which is written in Python, is `name` of `module` or of a module within that. */
static bool is_class(PyTypeObject *type, const char *module, const char *name)
{
    if (!is_python_class(type) || strcmp(type->tp_name, name) != 0)
        return false;
    PyObject *where = PyDict_GetItemString(type->tp_dict, "__module__");
    const char *text = where && PyUnicode_CheckExact(where) ? PyUnicode_AsUTF8(where) : NULL;
    size_t size = strlen(module);
    PyErr_Clear();
    return text && strncmp(text, module, size) == 0 && (text[size] == 0 || text[size] == '.');
}

/* What the descriptor of a slot reads; NULL where it is none, or the slot is empty. */
static PyObject *slot_of(PyObject *object, PyObject *descriptor)
{
    if (!Py_IS_TYPE(descriptor, &PyMemberDescr_Type) || !PyObject_TypeCheck(object, PyDescr_TYPE(descriptor)))
        return NULL;
    PyObject *value = PyMember_GetOne((const char *)object, ((PyMemberDescrObject *)descriptor)->d_member);
    PyErr_Clear();
    return value;
}

PyObject *scope_slot_value(PyObject *object, const char *name)
{
    PyObject *mro = Py_TYPE(object)->tp_mro;
    for (Py_ssize_t index = 0; mro && index < PyTuple_GET_SIZE(mro) && index < MAX_BASES; index++) {
        PyTypeObject *type = (PyTypeObject *)PyTuple_GET_ITEM(mro, index);
        PyObject *descriptor = is_python_class(type) ? PyDict_GetItemString(type->tp_dict, name) : NULL;
        if (descriptor)
            return slot_of(object, descriptor);
    }
    return NULL;
}

/* A new reference, or NULL where it has none or memory is short (no exception set). */
static PyObject *dict_of(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    bool has_dict = type->tp_dictoffset != 0;
#ifdef Py_TPFLAGS_MANAGED_DICT
    has_dict = has_dict || type->tp_flags & Py_TPFLAGS_MANAGED_DICT;
#endif
    PyObject *dict = has_dict ? PyObject_GenericGetDict(object, NULL) : NULL;
    PyErr_Clear();
    if (dict && !PyDict_Check(dict))
        Py_CLEAR(dict);
    return dict;
}

/* ---- types that are worth a text ---- */

/* A new str, or NULL (no exception set). */
static PyObject *uuid_text(PyObject *value)
{
    PyObject *number = scope_slot_value(value, "int");
    PyObject *hex = number && PyLong_CheckExact(number) ? PyNumber_ToBase(number, 16) : NULL;
    const char *digits = hex ? PyUnicode_AsUTF8(hex) : NULL;
    size_t size = digits ? strlen(digits) : 0;
    PyObject *text = NULL;
    if (size > 2 && size <= 34) {
        char all[33];
        memset(all, '0', 32);
        memcpy(all + 34 - size, digits + 2, size - 2);
        all[32] = 0;
        text = PyUnicode_FromFormat("%.8s-%.4s-%.4s-%.4s-%.12s", all, all + 8, all + 12, all + 16, all + 20);
    }
    Py_XDECREF(hex);
    Py_XDECREF(number);
    PyErr_Clear();
    return text;
}

/* A path whose text was asked for before has it in a slot; else the parts it was made of. */
static PyObject *path_text(PyObject *value)
{
    PyObject *text = scope_slot_value(value, "_str");
    if (text && PyUnicode_CheckExact(text))
        return text;
    Py_XDECREF(text);
    PyObject *parts = scope_slot_value(value, "_raw_paths");
    parts = parts ? parts : scope_slot_value(value, "_parts");
    PyObject *slash = parts && PyList_CheckExact(parts) ? PyUnicode_FromString("/") : NULL;
    text = slash ? PyUnicode_Join(slash, parts) : NULL;
    Py_XDECREF(slash);
    Py_XDECREF(parts);
    Py_ssize_t length = text ? PyUnicode_GET_LENGTH(text) : 0;
    if (length > 1 && PyUnicode_READ_CHAR(text, 0) == '/' && PyUnicode_READ_CHAR(text, 1) == '/')
        Py_SETREF(text, PyUnicode_Substring(text, 1, length)); /* the root was a part of its own */
    PyErr_Clear();
    return text;
}

static bool is_path(PyTypeObject *type)
{
    return is_class(type, "pathlib", "PosixPath") || is_class(type, "pathlib", "PurePosixPath");
}

/* A new reference to the date without its time zone, where that may have code of the application's; else to itself. */
static PyObject *without_foreign_zone(PyObject *value)
{
    PyObject *zone = PyObject_GetAttrString(value, "tzinfo");
    PyErr_Clear();
    bool is_foreign = zone && zone != Py_None && is_python_class(Py_TYPE(zone));
    Py_XDECREF(zone);
    if (!is_foreign)
        return Py_NewRef(value);
    PyObject *replace = PyObject_GetAttrString(value, "replace"), *nothing = PyTuple_New(0);
    PyObject *zoneless = Py_BuildValue("{s:O}", "tzinfo", Py_None);
    PyObject *naive = replace && nothing && zoneless ? PyObject_Call(replace, nothing, zoneless) : NULL;
    Py_XDECREF(zoneless);
    Py_XDECREF(nothing);
    Py_XDECREF(replace);
    return naive;
}

static PyObject *plain_text(PyObject *value)
{
    PyObject *plain = strncmp(Py_TYPE(value)->tp_name, "datetime.", 9) == 0 ? without_foreign_zone(value) : Py_NewRef(value);
    PyObject *text = plain ? PyObject_Str(plain) : NULL;
    Py_XDECREF(plain);
    return text;
}

static bool is_plain_type(PyTypeObject *type)
{
    static const char *const known[] = {"decimal.Decimal", "datetime.datetime", "datetime.date", "datetime.time",
                                        "datetime.timedelta"};
    if (is_python_class(type))
        return false;
    for (size_t index = 0; index < sizeof known / sizeof *known; index++)
        if (strcmp(type->tp_name, known[index]) == 0)
            return true;
    return false;
}

/* What people want to see of a type of the standard library; a new str, or NULL (no exception set). */
static PyObject *text_of(PyObject *value, bool deep)
{
    PyTypeObject *type = Py_TYPE(value);
    PyObject *text = NULL;
    if (is_plain_type(type))
        text = plain_text(value);
    else if (is_class(type, "uuid", "UUID"))
        text = uuid_text(value);
    else if (deep && is_path(type))
        text = path_text(value);
    PyErr_Clear();
    return text;
}

/* ---- attributes ---- */

/* Fills in what was left open where the attributes begin. */
typedef struct {
    uint8_t *count_at; /* u8: is it a part; u8: count */
    uint8_t count;
    bool is_part;
} attribute_list;

/* Whether people call it by that name; what begins with `_` is the class's own affair. */
static bool is_public(PyObject *name)
{
    return PyUnicode_CheckExact(name) && PyUnicode_GET_LENGTH(name) > 0 && PyUnicode_READ_CHAR(name, 0) != '_';
}

/* False where there is no more room. */
static bool put_attribute(scope_buffer *buffer, attribute_list *list, PyObject *name, PyObject *value, int depth)
{
    uint8_t *at = buffer->at;
    list->is_part = list->count == MAX_ATTRIBUTES;
    if (list->is_part)
        return false;
    scope_put_pair(buffer, name, value, depth);
    if (buffer->overflow) {
        buffer->overflow = false;
        buffer->at = at;
        list->is_part = true;
        return false;
    }
    list->count++;
    return true;
}

static bool put_slots_of(scope_buffer *buffer, attribute_list *list, PyObject *object, PyTypeObject *type, int depth)
{
    PyObject *name, *descriptor;
    Py_ssize_t position = 0;
    bool has_room = true;
    for (int seen = 0; has_room && seen < MAX_LOOKED_AT && PyDict_Next(type->tp_dict, &position, &name, &descriptor); seen++) {
        PyObject *value = is_public(name) ? slot_of(object, descriptor) : NULL;
        if (!value)
            continue;
        Py_INCREF(name);
        has_room = put_attribute(buffer, list, name, value, depth);
        Py_DECREF(name);
        Py_DECREF(value);
    }
    return has_room;
}

static bool put_slots(scope_buffer *buffer, attribute_list *list, PyObject *object, int depth)
{
    PyObject *mro = Py_TYPE(object)->tp_mro;
    Py_ssize_t count = mro ? PyTuple_GET_SIZE(mro) : 0;
    for (Py_ssize_t index = count < MAX_BASES ? count : MAX_BASES; index-- > 0;) {
        PyTypeObject *type = (PyTypeObject *)PyTuple_GET_ITEM(mro, index);
        if (is_python_class(type) && !put_slots_of(buffer, list, object, type, depth))
            return false;
    }
    return true;
}

static void put_dict(scope_buffer *buffer, attribute_list *list, PyObject *object, int depth)
{
    PyObject *dict = dict_of(object), *name, *value;
    Py_ssize_t position = 0;
    bool has_room = dict != NULL;
    for (int seen = 0; has_room && seen < MAX_LOOKED_AT && PyDict_Next(dict, &position, &name, &value); seen++) {
        if (!is_public(name))
            continue;
        Py_INCREF(name);
        Py_INCREF(value);
        has_room = put_attribute(buffer, list, name, value, depth);
        Py_DECREF(value);
        Py_DECREF(name);
    }
    Py_XDECREF(dict);
}

static void put_arguments_of(scope_buffer *buffer, attribute_list *list, PyObject *error, int depth)
{
    PyObject *args = ((PyBaseExceptionObject *)error)->args, *name = PyUnicode_FromString("args");
    if (name && args) {
        Py_INCREF(args);
        put_attribute(buffer, list, name, args, depth);
        Py_DECREF(args);
    }
    Py_XDECREF(name);
    PyErr_Clear();
}

static void put_with_attributes(scope_buffer *buffer, PyObject *value, int depth)
{
    const char *name = Py_TYPE(value)->tp_name;
    scope_put_u8(buffer, SCOPE_TAG_INSTANCE);
    scope_put_utf8(buffer, name, strnlen(name, TYPE_NAME_BYTES));
    attribute_list list = {.count_at = buffer->at};
    scope_put_u16(buffer, 0);
    if (buffer->overflow)
        return;
    if (PyExceptionInstance_Check(value))
        put_arguments_of(buffer, &list, value, depth + 1);
    if (put_slots(buffer, &list, value, depth + 1))
        put_dict(buffer, &list, value, depth + 1);
    list.count_at[0] = list.is_part;
    list.count_at[1] = list.count;
}

/* ---- objects ---- */

/* A member of an enumeration is told by its name. */
static bool put_enum_member(scope_buffer *buffer, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    if (!is_class(Py_TYPE(type), "enum", "EnumType"))
        return false;
    PyObject *dict = dict_of(value), *name = dict ? PyDict_GetItemString(dict, "_name_") : NULL;
    PyObject *text = name && PyUnicode_CheckExact(name) ? PyUnicode_FromFormat("%s.%U", type->tp_name, name) : NULL;
    PyErr_Clear();
    Py_XDECREF(dict);
    if (!text)
        return false;
    scope_put_u8(buffer, SCOPE_TAG_OBJECT);
    scope_put_text(buffer, text, TYPE_NAME_BYTES);
    Py_DECREF(text);
    return true;
}

/* Classes, modules and functions have attributes, too, but are no data. */
static bool is_data(PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    return (is_python_class(type) && !PyType_Check(value) && !PyModule_Check(value)) || PyExceptionInstance_Check(value);
}

void scope_put_object(scope_buffer *buffer, PyObject *value, int depth)
{
    if (buffer->deep && put_enum_member(buffer, value))
        return;
    PyObject *text = text_of(value, buffer->deep);
    if (text)
        scope_put_value(buffer, text, depth);
    else if (buffer->deep && depth < SCOPE_MAX_DEPTH && is_data(value))
        put_with_attributes(buffer, value, depth);
    else
        scope_put_type(buffer, value);
    Py_XDECREF(text);
}
