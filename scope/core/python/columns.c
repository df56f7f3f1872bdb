/* Rows turned into columns and back. In Python both take a step of an iterator per item. */
#include "readers.h"

/* A new tuple of item `column` of each row; NULL with an exception set. */
static PyObject *column_of(PyObject *rows, Py_ssize_t column)
{
    Py_ssize_t count = PySequence_Fast_GET_SIZE(rows);
    PyObject *items = PyTuple_New(count);
    for (Py_ssize_t row = 0; items && row < count; row++)
        PyTuple_SET_ITEM(items, row, Py_NewRef(PyTuple_GET_ITEM(PySequence_Fast_GET_ITEM(rows, row), column)));
    return items;
}

static bool are_tuples_of(PyObject *rows, Py_ssize_t width)
{
    for (Py_ssize_t row = 0; row < PySequence_Fast_GET_SIZE(rows); row++) {
        PyObject *each = PySequence_Fast_GET_ITEM(rows, row);
        if (!PyTuple_Check(each) || PyTuple_GET_SIZE(each) != width)
            return false;
    }
    return true;
}

/* transpose(rows, width, /): the columns of rows that are tuples of `width` items. */
static PyObject *transpose(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *given;
    Py_ssize_t width;
    if (!PyArg_ParseTuple(args, "On:transpose", &given, &width))
        return NULL;
    PyObject *rows = PySequence_Fast(given, "transpose() takes a sequence of tuples");
    if (!rows)
        return NULL;
    PyObject *columns = NULL;
    if (width < 0 || !are_tuples_of(rows, width))
        PyErr_Format(PyExc_ValueError, "transpose() takes rows that are tuples of %zd items", width);
    else
        columns = PyTuple_New(width);
    for (Py_ssize_t column = 0; columns && column < width; column++) {
        PyObject *items = column_of(rows, column);
        if (!items) {
            Py_CLEAR(columns);
            break;
        }
        PyTuple_SET_ITEM(columns, column, items);
    }
    Py_DECREF(rows);
    return columns;
}

/* The columns as lists or tuples of one length, which goes to `count`; NULL with an exception set. */
static PyObject *fast_columns(PyObject *given, Py_ssize_t *count)
{
    PyObject *columns = PySequence_List(given);
    for (Py_ssize_t index = 0; columns && index < PyList_GET_SIZE(columns); index++) {
        PyObject *items = PySequence_Fast(PyList_GET_ITEM(columns, index), "interlace() takes iterables");
        if (items && index && PySequence_Fast_GET_SIZE(items) != *count) {
            PyErr_SetString(PyExc_ValueError, "interlace() takes columns of one length");
            Py_CLEAR(items);
        }
        if (!items) {
            Py_CLEAR(columns);
            break;
        }
        *count = PySequence_Fast_GET_SIZE(items);
        PyList_SetItem(columns, index, items);
    }
    return columns;
}

/* interlace(columns, /): a flat list of their items, row by row. */
static PyObject *interlace(PyObject *module, PyObject *given)
{
    (void)module;
    Py_ssize_t count = 0;
    PyObject *columns = fast_columns(given, &count);
    if (!columns)
        return NULL;
    Py_ssize_t width = PyList_GET_SIZE(columns);
    PyObject *flat = PyList_New(count * width);
    for (Py_ssize_t column = 0; flat && column < width; column++) {
        PyObject *const *items = PySequence_Fast_ITEMS(PyList_GET_ITEM(columns, column));
        for (Py_ssize_t row = 0; row < count; row++)
            PyList_SET_ITEM(flat, row * width + column, Py_NewRef(items[row]));
    }
    Py_DECREF(columns);
    return flat;
}

static PyMethodDef column_functions[] = {
    {"transpose", transpose, METH_VARARGS, "transpose(rows, width): the columns of tuples of so many items."},
    {"interlace", interlace, METH_O, "interlace(columns): their items row by row, in a flat list."},
    {NULL, NULL, 0, NULL},
};

int scope_add_columns(PyObject *module)
{
    return PyModule_AddFunctions(module, column_functions);
}
