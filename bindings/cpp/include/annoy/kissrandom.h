// For code that says #include <annoy/kissrandom.h>.
#include "../kissrandom.h"
