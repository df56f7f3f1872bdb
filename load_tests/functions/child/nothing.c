/* What PyEval_SetProfile() can be given that does nothing. */
int nothing(void *argument, void *frame, int event, void *value)
{
    (void)argument;
    (void)frame;
    (void)event;
    (void)value;
    return 0;
}
