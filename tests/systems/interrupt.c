/* Sends Ctrl-C to the console of a process: interrupt PROCESS. */
#include <stdlib.h>
#include <windows.h>

int main(int count, char **arguments)
{
    if (count != 2)
        return 2;
    FreeConsole();
    if (!AttachConsole((DWORD)strtoul(arguments[1], NULL, 10)))
        return 3;
    SetConsoleCtrlHandler(NULL, TRUE);
    return GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) ? 0 : 4;
}
