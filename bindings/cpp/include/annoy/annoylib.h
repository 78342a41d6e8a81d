// For code that says #include <annoy/annoylib.h>.
#include "../annoylib.h"
