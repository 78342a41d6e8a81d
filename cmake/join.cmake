# cmake -DAR=... -DTO=X.a -DFROM=Y.a -P join.cmake: puts what is in Y.a into X.a, too.
get_filename_component(_directory "${TO}" DIRECTORY)
get_filename_component(_name "${TO}" NAME)
# ar's scripts take no paths with spaces.
file(COPY "${FROM}" DESTINATION "${_directory}")
get_filename_component(_from "${FROM}" NAME)
file(WRITE "${_directory}/join.mri" "OPEN ${_name}\nADDLIB ${_from}\nSAVE\nEND\n")
execute_process(COMMAND "${AR}" -M INPUT_FILE "${_directory}/join.mri" WORKING_DIRECTORY "${_directory}"
  RESULT_VARIABLE _failed)
if(_failed)
  message(FATAL_ERROR "annoy_rs: ${AR} cannot put ${FROM} into ${TO}: ${_failed}")
endif()
